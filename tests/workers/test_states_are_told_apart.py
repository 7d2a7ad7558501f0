"""Every state of a worker, from what is stored of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from indexer.workers.states import MEANINGS, Limits, Seen, State, Told, judge

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LIMITS = Limits(timedelta(seconds=15), timedelta(seconds=120), error_rate=0.5, lag=600, memory=500_000_000)
LONG_AGO = NOW - timedelta(days=1)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def told(said: State = State.HEALTHY, *, beat: float = 1, progress: float = 1, seen: float = 1, **rest: Any) -> Told:
    """What a worker says that beat and worked so many seconds ago, and whose process was looked at so long ago."""
    return Told(said, "as it says", ago(beat), ago(progress), seen_at=ago(seen), **rest)


def with_seen(made: Told, seen: Seen, words: str = "") -> Told:
    return made._replace(seen=seen, seen_words=words)


@pytest.mark.parametrize(
    ("made", "state", "words"),
    [
        (told(State.STARTING), State.STARTING, "as it says"),
        (told(), State.HEALTHY, "as it says"),
        (told(error_rate=0.6), State.DEGRADED, "60% of its last runs failed (limit 50%)"),
        (told(lag=601.0), State.DEGRADED, "601 s behind (limit 600 s)"),
        (told(memory=501_000_000), State.DEGRADED, "501 MB of memory (limit 500 MB)"),
        (told(error_rate=0.5, lag=600.0, memory=500_000_000), State.HEALTHY, "as it says"),
        (with_seen(told(beat=16), Seen.ALIVE), State.HUNG, "no heartbeat for 16 s, though it lives"),
        (with_seen(told(beat=15), Seen.ALIVE), State.HEALTHY, "as it says"),
        (told(progress=121), State.HUNG, "its heart beats, but it has done nothing for 121 s"),
        (told(State.STARTING, progress=121), State.HUNG, "its heart beats, but it has done nothing for 121 s"),
        (told(State.STOPPED_BY_FLAG, progress=10_000), State.STOPPED_BY_FLAG, "as it says"),
        (told(State.OUT_OF_BUDGET, progress=10_000), State.OUT_OF_BUDGET, "as it says"),
        (with_seen(told(beat=5, seen=1), Seen.DEAD, "killed by signal 9"), State.CRASHED, "killed by signal 9"),
        # It was seen dead before its last heartbeat: another process has begun.
        (with_seen(told(beat=1, seen=5), Seen.DEAD, "killed by signal 9"), State.HEALTHY, "as it says"),
        (told(beat=16), State.CRASHED, "no heartbeat for 16 s, and nobody sees its process"),
        (with_seen(told(State.STOPPED, beat=3600, seen=1), Seen.DEAD), State.STOPPED, "as it says"),
        (told(State.STOPPED, beat=3600), State.STOPPED, "as it says"),
        (with_seen(told(State.MISCONFIGURED, beat=3600, seen=1), Seen.DEAD), State.MISCONFIGURED, "as it says"),
        # It says that it leaves, and does not.
        (
            with_seen(told(State.STOPPED, beat=16), Seen.ALIVE),
            State.HUNG,
            "no heartbeat for 16 s, though it lives",
        ),
    ],
)
def test_a_state_follows_from_what_is_stored(made: Told, state: State, words: str) -> None:
    verdict = judge(made, LIMITS, NOW, LONG_AGO)
    assert (verdict.state, verdict.why) == (state, words)


@pytest.mark.parametrize("seen", [Seen.ALIVE, Seen.UNKNOWN])
def test_nobody_is_silent_while_the_database_is_away(seen: Seen) -> None:
    made = with_seen(told(beat=300, progress=300), seen)
    assert judge(made, LIMITS, NOW, known_since=ago(10)).state is State.HEALTHY
    assert judge(made, LIMITS, NOW, known_since=ago(20)).state is not State.HEALTHY


def test_several_excesses_are_all_told() -> None:
    why = judge(told(error_rate=1.0, lag=700.0), LIMITS, NOW, LONG_AGO).why
    assert why == "100% of its last runs failed (limit 50%); 700 s behind (limit 600 s)"


def test_who_is_well_needs_nobody() -> None:
    well = {state for state in State if judge(told(state), LIMITS, NOW, LONG_AGO).is_well}
    assert well == {State.STARTING, State.HEALTHY, State.STOPPED, State.STOPPED_BY_FLAG}


def test_every_state_has_a_meaning() -> None:
    assert set(MEANINGS) == set(State)
