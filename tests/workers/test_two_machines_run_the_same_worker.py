"""Workers of the same program on several machines: each has a row, and each overseer sees its own."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from indexer.chains.connections import Connection
from indexer.workers.heart import Heart
from indexer.workers.live_values import LiveValues
from indexer.workers.models import WorkerOrder
from indexer.workers.sightings import Ended, Sightings
from indexer.workers.states import State
from tests.processes import wait_until
from tests.workers.overseen import oversee_as
from tests.workers.rows import look, runtime, tell

__all__ = ["runtime"]

SILENT = timedelta(seconds=15)


@contextmanager
def worker(host: str, program: str = "prices") -> Iterator[Heart]:
    """It works there; at the end it leaves."""
    heart = Heart(program, program, LiveValues(), host=host, every=60)
    heart.memory_limit = 1 << 40  # that of the tests' own process says nothing
    heart.start()
    try:
        heart.say(State.HEALTHY)
        assert heart.beat_now()
        yield heart
        heart.say(State.STOPPED)
    finally:
        heart.close()


def hosts(connection: Connection) -> dict[str, str]:
    """Who has which name."""
    return dict(connection.execute("SELECT name, host FROM public.workers ORDER BY name").fetchall())


def count(connection: Connection, table: str, name: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM public.{table} WHERE worker = %s", [name]).fetchone()
    return int(row[0]) if row else 0


def test_neither_overwrites_the_other_and_both_keep_their_names(runtime: Connection) -> None:
    with worker("a") as first:
        with worker("b") as second:
            first.note_lag(1.0)
            second.note_lag(2.0)
            assert first.beat_now()
            assert second.beat_now()
            found = look(runtime)
            assert {name: (status.host, status.program, status.lag) for name, status in found.items()} == {
                "prices": ("a", "prices", 1.0),
                "prices@b": ("b", "prices", 2.0),
            }
            assert count(runtime, "worker_events", "prices@b") == count(runtime, "worker_events", "prices") == 2
        # Begun anew, each finds its own row, also where the plain name has become free.
        with worker("b"):
            assert hosts(runtime) == {"prices": "a", "prices@b": "b"}
    with worker("b"):
        assert hosts(runtime) == {"prices": "a", "prices@b": "b"}
    with worker("a"):
        assert hosts(runtime) == {"prices": "a", "prices@b": "b"}


def test_a_name_that_was_left_is_taken_with_nothing_of_the_other_machine(runtime: Connection) -> None:
    with worker("a"):
        pass
    runtime.execute("UPDATE public.workers SET restarts = 4, needs_person = 'look', seen = 'dead', seen_at = now()")
    WorkerOrder.objects.create(worker="prices", action="stop", actor="ann")
    with worker("b"):
        assert hosts(runtime) == {"prices": "b"}
        status = look(runtime)["prices"]
        assert (status.state, status.restarts, status.needs_person) == (State.HEALTHY, 0, "")
        assert WorkerOrder.objects.get().outcome == "it ran on a, and no more"


@pytest.mark.parametrize(
    ("beat", "seen_alive", "name"),
    [
        (5, False, "prices@b"),
        (60, False, "prices"),
        # It hangs: its machine needs the row to end it.
        (60, True, "prices@b"),
    ],
)
def test_a_name_is_free_when_nobody_hears_of_its_worker(
    runtime: Connection, beat: float, seen_alive: bool, name: str
) -> None:
    tell(runtime, "prices", host="a", beat=beat)
    if seen_alive:
        runtime.execute("UPDATE public.workers SET seen = 'alive', seen_at = now()")
    with worker("b"):
        assert look(runtime)[name].host == "b"


def test_who_finds_its_name_taken_meanwhile_goes_on_under_another(runtime: Connection) -> None:
    with worker("a") as away:
        # It was not heard of for long, and another machine has taken over.
        runtime.execute("UPDATE public.workers SET host = 'b'")
        away.note_lag(7.0)
        assert away.beat_now()
        assert hosts(runtime) == {"prices": "b", "prices@a": "a"}
        assert (look(runtime)["prices"].lag, look(runtime)["prices@a"].lag) == (None, 7.0)


def test_both_have_one_flag(runtime: Connection) -> None:
    runtime.execute("INSERT INTO public.live_values (name, value) VALUES ('worker.prices', 'false')")
    tell(runtime, "prices", host="a")
    tell(runtime, "prices@b", host="b")
    tell(runtime, "profiles@b", host="b")
    enabled = {name: status.enabled for name, status in look(runtime).items()}
    assert enabled == {"prices": False, "prices@b": False, "profiles@b": True}


def test_what_a_machine_sees_is_written_down_of_its_own_worker(runtime: Connection) -> None:
    tell(runtime, "prices", host="a", pid=10)
    tell(runtime, "prices@b", host="b", pid=10)
    sightings = Sightings(runtime, "b", SILENT)
    assert sightings.pids() == {"prices": 10}
    sightings.note_alive(["prices"])
    assert sightings.note_end(Ended("prices", 10, "exit status 1", restarts=1), "prices") == 1
    sightings.note("prices", "restart", "exit status 1")
    sightings.note_state("prices", State.CRASHED, "exit status 1")
    sightings.ask_person("prices", "look")
    found = look(runtime)
    assert (found["prices"].state, found["prices"].restarts, found["prices"].needs_person) == (State.HEALTHY, 0, "")
    assert (found["prices@b"].state, found["prices@b"].restarts, found["prices@b"].needs_person) == (
        State.CRASHED,
        1,
        "look",
    )
    assert (count(runtime, "worker_events", "prices"), count(runtime, "worker_events", "prices@b")) == (0, 2)


def test_who_has_never_spoken_is_told_of_under_a_name_of_its_own(runtime: Connection) -> None:
    tell(runtime, "prices", host="a")
    sightings = Sightings(runtime, "b", SILENT)
    assert sightings.note_end(Ended("prices", 10, "exit status 1", restarts=1), "prices") == 1
    assert sightings.note_end(Ended("prices", 11, "exit status 1", restarts=1), "prices") == 2
    assert hosts(runtime) == {"prices": "a", "prices@b": "b"}


@pytest.mark.slow
def test_each_overseer_watches_and_steers_its_own(runtime: Connection, run_dir: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="fp-") as other,
        oversee_as("a", runtime, run_dir, ["prices"]) as a,
        oversee_as("b", runtime, Path(other), ["prices"], row="{}@b") as b,
    ):
        b.wait_for("prices@b", State.HEALTHY)
        wait_until(lambda: set(hosts(runtime).values()) == {"a", "b"} and len(hosts(runtime)) == 4, 10)
        assert hosts(runtime) == {"overseer": "a", "overseer@b": "b", "prices": "a", "prices@b": "b"}
        os.kill(b.process("prices").pid, signal.SIGKILL)
        assert b.wait_for_event("prices@b", "restart") == "terminated by SIGKILL"
        b.wait_for("prices@b", State.HEALTHY)
        assert (a.restarts("prices"), b.restarts("prices@b")) == (0, 1)

        first, second = a.process("prices").pid, b.process("prices").pid
        restart = b.order("prices@b", "restart")
        wait_until(lambda: b.outcome(restart) == "started again", 15, lambda: b.said)
        assert (a.process("prices").pid, b.process("prices").pid != second) == (first, True)
        second = b.process("prices").pid
        stop = a.order("prices", "stop")
        wait_until(lambda: a.outcome(stop) == "stopped", 15, lambda: a.said)
        assert (a.process("prices").pid, b.process("prices").pid) == (0, second)
        assert (a.state("prices"), b.state("prices@b")) == (State.STOPPED, State.HEALTHY)
        assert (a.events("prices", "restart"), len(a.starts("prices")), len(b.starts("prices"))) == ([], 1, 3)
