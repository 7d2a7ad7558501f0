"""What is told of every worker is its row, judged by the live limits at the database's own time."""

from datetime import timedelta

from django.db import connection as django_connection

from indexer.chains.connections import Connection
from indexer.workers.states import Seen, State
from indexer.workers.statuses import read_statuses
from tests.workers.rows import look, runtime, tell

__all__ = ["runtime"]


def states(connection: Connection) -> dict[str, State]:
    return {name: status.state for name, status in look(connection).items()}


def set_live(connection: Connection, name: str, value: str) -> None:
    connection.execute("INSERT INTO public.live_values (name, value) VALUES (%s, %s::jsonb)", [name, value])


def test_both_kinds_of_cursors_read_the_same(runtime: Connection) -> None:
    tell(runtime, "worker-hilltop", error_rate=0.25, memory=7)
    with django_connection.cursor() as cursor:
        (read,) = read_statuses(cursor)
    assert read == look(runtime)["worker-hilltop"]
    assert (read.state, read.healthy, read.enabled, read.error_rate, read.memory) == ("healthy", True, True, 0.25, 7)
    assert read.to_json()["state"] == "healthy"
    assert read.to_json()["lastRun"] is None


def test_live_limits_judge_and_a_workers_own_go_before_them(runtime: Connection) -> None:
    for name, own in {"common": {}, "patient": {"hung_after": 200.0}}.items():
        tell(runtime, name, progress=130, **own)
    tell(runtime, "big", memory=300_000_000)
    tell(runtime, "allowed", memory=300_000_000, memory_limit=400_000_000)
    assert states(runtime) == {"common": "hung", "patient": "healthy", "big": "healthy", "allowed": "healthy"}
    set_live(runtime, "workers.hung_after", "140")
    set_live(runtime, "workers.memory_mb", "200")
    assert states(runtime) == {"common": "healthy", "patient": "healthy", "big": "degraded", "allowed": "healthy"}


def test_a_flag_that_is_off_is_told(runtime: Connection) -> None:
    tell(runtime, "prices", said=State.STOPPED_BY_FLAG, why="maintenance")
    tell(runtime, "worker-hilltop")
    set_live(runtime, "worker.prices", "false")
    found = look(runtime)
    assert (found["prices"].enabled, found["worker-hilltop"].enabled) == (False, True)
    assert found["prices"].healthy


def test_a_machine_that_looks_no_more_has_seen_nothing(runtime: Connection) -> None:
    tell(runtime, "worker-hilltop", beat=60, seen=Seen.ALIVE)
    runtime.execute("UPDATE public.workers SET seen_at = now() - interval '1 s'")
    assert states(runtime) == {"worker-hilltop": "hung"}
    runtime.execute("UPDATE public.workers SET seen_at = now() - interval '1 min'")
    assert states(runtime) == {"worker-hilltop": "crashed"}
    assert look(runtime)["worker-hilltop"].since == look(runtime)["worker-hilltop"].beat_at


def test_since_is_when_its_state_was_noted_and_else_the_last_sign_before_it(runtime: Connection) -> None:
    tell(runtime, "worker-hilltop", progress=130)
    status = look(runtime)["worker-hilltop"]
    assert (status.state, status.beat_at - status.since) == ("hung", timedelta(seconds=130))
    (at,) = (
        runtime.execute(
            "INSERT INTO public.worker_events (worker, what, state, words, actor)"
            " VALUES ('worker-hilltop', 'state', 'hung', '', '') RETURNING at"
        ).fetchone()
        or ()
    )
    assert look(runtime)["worker-hilltop"].since == at


def test_nobody_is_judged_for_the_time_before_the_reader_knew_anything(runtime: Connection) -> None:
    tell(runtime, "worker-hilltop", beat=60)
    (now,) = runtime.execute("SELECT now()").fetchone() or ()
    assert look(runtime)["worker-hilltop"].state is State.CRASHED
    assert look(runtime, now - timedelta(seconds=5))["worker-hilltop"].state is State.HEALTHY
