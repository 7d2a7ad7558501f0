"""What one heartbeat stores of a worker: its row, and the states it has gone through since the last one.

Times are given as what the monotonic clock says, and stored as the database's `now()` less what has passed since: a
machine's clock jumps, and a beat that a database was away for tells the time of what happened all the same.
"""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from indexer.chains.connections import Connection
from indexer.workers.states import State


class Change(NamedTuple):
    """A state that the worker said it is in, why, and since when (monotonic)."""

    state: State
    why: str
    at: float


class Beat(NamedTuple):
    """A worker at the moment `now`; see `models.WorkerRow` for the columns. All times are monotonic."""

    name: str
    kind: str
    host: str
    pid: int
    process: UUID
    said: Change
    now: float
    began: float
    progressed: float
    last_run: float | None
    runs: int
    failures: int
    items: int
    error_rate: float
    items_per_minute: float
    latency: float | None
    lag: float | None
    memory: int
    hung_after: float | None
    memory_limit: int | None


# What the overseer and its machine see of the worker (seen, restarts, well_since, needs_person) is theirs to write.
STORE = """
INSERT INTO public.workers AS known (
    name, kind, host, pid, process, said, why, started_at, said_at, beat_at, progress_at, last_run_at,
    runs, failures, items, error_rate, items_per_minute, latency, lag, memory, hung_after, memory_limit
) VALUES (
    %(name)s, %(kind)s, %(host)s, %(pid)s, %(process)s, %(state)s, %(why)s, now() - %(began_ago)s::interval,
    now() - %(said_ago)s::interval, now(), now() - %(progressed_ago)s::interval, now() - %(last_run_ago)s::interval,
    %(runs)s, %(failures)s, %(items)s, %(error_rate)s, %(items_per_minute)s, %(latency)s, %(lag)s, %(memory)s,
    %(hung_after)s, %(memory_limit)s
)
ON CONFLICT (name) DO UPDATE SET
    kind = EXCLUDED.kind, host = EXCLUDED.host, pid = EXCLUDED.pid, process = EXCLUDED.process,
    said = EXCLUDED.said, why = EXCLUDED.why, started_at = EXCLUDED.started_at, said_at = EXCLUDED.said_at,
    beat_at = EXCLUDED.beat_at, progress_at = EXCLUDED.progress_at,
    last_run_at = coalesce(EXCLUDED.last_run_at, known.last_run_at),
    runs = EXCLUDED.runs, failures = EXCLUDED.failures, items = EXCLUDED.items, error_rate = EXCLUDED.error_rate,
    items_per_minute = EXCLUDED.items_per_minute, latency = EXCLUDED.latency, lag = EXCLUDED.lag,
    memory = EXCLUDED.memory, hung_after = EXCLUDED.hung_after, memory_limit = EXCLUDED.memory_limit
WHERE known.host = EXCLUDED.host
"""
NOTE_CHANGE = """
INSERT INTO public.worker_events (worker, at, what, state, words, actor)
VALUES (%(name)s, now() - %(ago)s::interval, 'state', %(state)s, %(why)s, '')
"""


def store_beat(connection: Connection, beat: Beat, changes: list[Change]) -> bool:
    """In the caller's transaction; False, and nothing is stored, where another machine's worker has the name.

    Raises psycopg.Error.
    """
    values = {
        **beat._asdict(),
        "state": beat.said.state.value,
        "why": beat.said.why,
        "began_ago": since(beat.now, beat.began),
        "said_ago": since(beat.now, beat.said.at),
        "progressed_ago": since(beat.now, beat.progressed),
        "last_run_ago": None if beat.last_run is None else since(beat.now, beat.last_run),
    }
    if not connection.execute(STORE, values).rowcount:
        return False
    for change in changes:
        connection.execute(
            NOTE_CHANGE,
            {
                "name": beat.name,
                "ago": since(beat.now, change.at),
                "state": change.state.value,
                "why": change.why,
            },
        )
    return True


def since(now: float, then: float) -> timedelta:
    return timedelta(seconds=max(0.0, now - then))
