"""What is to be told of every worker: its row, judged at the database's own time by the live limits.

The page, the API, `manage.py workers` and the overseer all read it here, so that they never contradict each other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from indexer.workers.live import ERROR_RATE, HUNG_AFTER, LAG, MEMORY_MB, SILENT_AFTER
from indexer.workers.live_values import VALUES, Cursor, LiveValues
from indexer.workers.states import Limits, Seen, State, Told, Verdict, judge

MEGABYTE = 1_000_000


class Row(NamedTuple):
    """A worker as it is stored (see `indexer.workers.models.WorkerRow`), the newest state noted of it, and the time."""

    name: str
    program: str
    kind: str
    host: str
    pid: int
    process: UUID
    said: str
    why: str
    started_at: datetime
    said_at: datetime
    beat_at: datetime
    progress_at: datetime
    last_run_at: datetime | None
    error_rate: float
    items_per_minute: float
    latency: float | None
    lag: float | None
    memory: int
    hung_after: float | None
    memory_limit: int | None
    seen: str
    seen_words: str
    seen_at: datetime | None
    restarts: int
    well_since: datetime | None
    needs_person: str
    noted: str | None
    noted_at: datetime
    now: datetime
    server_since: datetime


# The newest state of each worker is one step into the index worker_events_of.
ROWS = f"""
SELECT {", ".join(f"w.{column}" for column in Row._fields[:-4])}, e.state, e.at, now(), pg_postmaster_start_time()
  FROM public.workers w
  LEFT JOIN LATERAL (
       SELECT state, at FROM public.worker_events
        WHERE worker = w.name AND what = 'state' ORDER BY id DESC LIMIT 1) e ON true
 ORDER BY w.name
"""


@dataclass(frozen=True)
class Status:
    """A worker as it is now.

    `name`: of its row; `program`: what it is called on its machine, and has its flag by. `since`: when its state began;
    `enabled`: its flag is on; `error_rate`: failed runs of its last ones, from 0 to 1; `latency`: seconds that these
    took; `memory`: bytes; `lag`: seconds that it is behind. `restarts` counts from its last ten healthy minutes on;
    `well_since` is None while it is not healthy; `needs_person`: what somebody is to look at, empty where nothing is.
    `process` tells one process of its name from the next.
    """

    name: str
    program: str
    kind: str
    host: str
    pid: int
    process: str
    state: State
    why: str
    since: datetime
    enabled: bool
    started_at: datetime
    beat_at: datetime
    last_run: datetime | None
    error_rate: float
    items_per_minute: float
    latency: float | None
    lag: float | None
    memory: int
    seen: Seen
    restarts: int
    well_since: datetime | None
    needs_person: str

    @property
    def healthy(self) -> bool:
        """Nobody need do anything: a worker that was switched off is not unhealthy."""
        return Verdict(self.state, self.why).is_well

    def to_json(self) -> dict[str, Any]:
        """What programs are told of it: null where something is unknown, times in ISO 8601."""
        return {
            "name": self.name,
            "kind": self.kind,
            "healthy": self.healthy,
            "enabled": self.enabled,
            "state": self.state.value,
            "why": self.why,
            "since": self.since.isoformat(),
            "lastRun": self.last_run.isoformat() if self.last_run else None,
            "errorRate": self.error_rate,
            "itemsPerMinute": self.items_per_minute,
            "latency": self.latency,
            "restartCount": self.restarts,
            "memory": self.memory,
            "lag": self.lag,
            "needsPerson": self.needs_person or None,
        }


def read_statuses(cursor: Cursor, known_since: datetime | None = None, live: LiveValues | None = None) -> list[Status]:
    """Every worker that has ever said something, by name.

    Nobody is judged by silence before `known_since`, which is the start of the database's server unless somebody knows
    better. `live`: the limits, for who keeps them anyway; otherwise they are read as well. Raises what the cursor
    raises.
    """
    if live is None:
        live = LiveValues()
        cursor.execute(VALUES)
        live.take(0, cursor.fetchall())
    cursor.execute(ROWS)
    return [make_status(Row(*row), live, known_since) for row in cursor.fetchall()]


def make_status(row: Row, live: LiveValues, known_since: datetime | None) -> Status:
    limits = read_limits(live, row.hung_after, row.memory_limit)
    silent_before = row.now - limits.silent
    seen = Seen(row.seen)
    if seen is Seen.ALIVE and (row.seen_at is None or row.seen_at < silent_before):
        seen = Seen.UNKNOWN  # whoever saw it looks no more: its machine may be gone
    told = Told(
        State(row.said),
        row.why,
        row.beat_at,
        row.progress_at,
        row.error_rate,
        row.lag,
        row.memory,
        seen,
        row.seen_words,
        row.seen_at,
    )
    verdict = judge(told, limits, row.now, known_since or row.server_since)
    is_noted = row.noted == verdict.state
    return Status(
        name=row.name,
        program=row.program,
        kind=row.kind,
        host=row.host,
        pid=row.pid,
        process=str(row.process),
        state=verdict.state,
        why=verdict.why,
        since=row.noted_at if is_noted else find_since(verdict, told, row.said_at, silent_before),
        enabled=live.flag(row.program),
        started_at=row.started_at,
        beat_at=row.beat_at,
        last_run=row.last_run_at,
        error_rate=row.error_rate,
        items_per_minute=row.items_per_minute,
        latency=row.latency,
        lag=row.lag,
        memory=row.memory,
        seen=seen,
        restarts=row.restarts,
        well_since=row.well_since,
        needs_person=row.needs_person,
    )


def read_limits(live: LiveValues, hung_after: float | None, memory_limit: int | None) -> Limits:
    """The limits of one worker, whose own ones go before the live settings."""
    return Limits(
        silent=timedelta(seconds=live.number(SILENT_AFTER)),
        hung=timedelta(seconds=live.number(HUNG_AFTER) if hung_after is None else hung_after),
        error_rate=live.number(ERROR_RATE),
        lag=live.number(LAG),
        memory=int(live.number(MEMORY_MB) * MEGABYTE) if memory_limit is None else memory_limit,
    )


def find_since(verdict: Verdict, told: Told, said_at: datetime, silent_before: datetime) -> datetime:
    """When a state began that has not been noted as an event: the last sign of what was before it."""
    if verdict.state is State.CRASHED:
        return told.seen_at if told.seen is Seen.DEAD and told.seen_at else told.beat_at
    if verdict.state is State.HUNG:
        return told.beat_at if told.beat_at < silent_before else told.progress_at
    return said_at
