"""Which state a worker is in, from what it says of itself and what its machine sees of its process. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """What people and programs are told; a worker itself never says HUNG, CRASHED or DEGRADED."""

    STARTING = "starting"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    HUNG = "hung"
    CRASHED = "crashed"
    STOPPED = "stopped"
    STOPPED_BY_FLAG = "stopped by flag"
    MISCONFIGURED = "misconfigured"
    OUT_OF_BUDGET = "out of budget"


MEANINGS = {
    State.STARTING: "it has begun, and not worked yet",
    State.HEALTHY: "it works",
    State.DEGRADED: "it works, but with too many errors, too late, or with too much memory",
    State.HUNG: "its process lives, and does nothing",
    State.CRASHED: "its process has ended, and nobody has told it to",
    State.STOPPED: "it was told to stop",
    State.STOPPED_BY_FLAG: "its flag is off, or maintenance is on: it takes no work",
    State.MISCONFIGURED: "something is missing that no waiting brings: it has left with 78",
    State.OUT_OF_BUDGET: "it may ask no more today",
}
WELL = frozenset({State.STARTING, State.HEALTHY, State.STOPPED, State.STOPPED_BY_FLAG})
"""Nobody need do anything."""
WORKS = frozenset({State.STARTING, State.HEALTHY})
"""A worker that says so must show progress."""
LEFT = frozenset({State.STOPPED, State.MISCONFIGURED})
"""A worker that says so has ended its process, or is about to."""

ENDED = frozenset({State.STOPPED, State.MISCONFIGURED, State.CRASHED})
"""Its process is gone: there is something to start, or to forget."""


class Seen(StrEnum):
    """What a machine sees of a worker's process; UNKNOWN where nobody looks."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


class Told(NamedTuple):
    """What is stored of a worker.

    `said`, with `why`: its own words. `beat_at`: its last heartbeat, which says that its process runs; `progress_at`:
    its last sign of work; `error_rate`: failed runs of its last ones, from 0 to 1; `lag`: seconds that it is behind,
    None where it is never; `memory`: bytes. `seen`, with `seen_words`: what its machine saw at `seen_at`.
    """

    said: State
    why: str
    beat_at: datetime
    progress_at: datetime
    error_rate: float = 0.0
    lag: float | None = None
    memory: int = 0
    seen: Seen = Seen.UNKNOWN
    seen_words: str = ""
    seen_at: datetime | None = None


class Limits(NamedTuple):
    """What is too much of each, as the live settings say it."""

    silent: timedelta
    hung: timedelta
    error_rate: float
    lag: float
    memory: int


class Verdict(NamedTuple):
    state: State
    why: str

    @property
    def is_well(self) -> bool:
        return self.state in WELL


def judge(told: Told, limits: Limits, now: datetime, known_since: datetime) -> Verdict:
    """The worker's state at `now`. Before `known_since` nobody could have told anything: the database was away."""
    silence = now - max(told.beat_at, known_since)
    is_dead = told.seen is Seen.DEAD and told.seen_at is not None and told.seen_at >= told.beat_at
    if told.said in LEFT and (is_dead or told.seen is not Seen.ALIVE or silence <= limits.silent):
        return Verdict(told.said, told.why)
    if is_dead:
        return Verdict(State.CRASHED, told.seen_words)
    if silence > limits.silent:
        for_long = f"no heartbeat for {silence.total_seconds():.0f} s"
        if told.seen is Seen.ALIVE:
            return Verdict(State.HUNG, f"{for_long}, though it lives")
        return Verdict(State.CRASHED, f"{for_long}, and nobody sees its process")
    idle = now - max(told.progress_at, known_since)
    if told.said in WORKS and idle > limits.hung:
        return Verdict(State.HUNG, f"its heart beats, but it has done nothing for {idle.total_seconds():.0f} s")
    if told.said is State.HEALTHY and (too_much := describe_excess(told, limits)):
        return Verdict(State.DEGRADED, too_much)
    return Verdict(told.said, told.why)


def describe_excess(told: Told, limits: Limits) -> str:
    """What is above its limit, in words; empty where nothing is."""
    found = []
    if told.error_rate > limits.error_rate:
        found.append(f"{told.error_rate:.0%} of its last runs failed (limit {limits.error_rate:.0%})")
    if told.lag is not None and told.lag > limits.lag:
        found.append(f"{told.lag:,.0f} s behind (limit {limits.lag:,.0f} s)")
    if told.memory > limits.memory:
        found.append(f"{told.memory / 1e6:,.0f} MB of memory (limit {limits.memory / 1e6:,.0f} MB)")
    return "; ".join(found)
