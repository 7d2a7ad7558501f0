"""A supervisord with an overseer and small workers, all real, on the tests' database or another one."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

from indexer.chains.connections import Connection
from indexer.workers.configuration import Layout
from indexer.workers.overseer import RECOVERY, Overseer, Place
from indexer.workers.patience import PAUSES, Pauses
from indexer.workers.programs import Program, make_overseer
from indexer.workers.run_folder import write_run_folder
from indexer.workers.states import State
from indexer.workers.supervisor import Process, Supervisor
from tests.processes import PROJECT, environment, wait_until
from tests.workers.rows import look
from tests.workers.supervisord import Supervisord

BEATING = Path(__file__).with_name("beating.py")


class Overseen:
    def __init__(self, connection: Connection, run_dir: Path, supervisord: Supervisord) -> None:
        self.connection = connection
        self.run_dir = run_dir
        self.supervisord = supervisord
        self.supervisor = Supervisor(run_dir / "supervisor.sock")

    @property
    def said(self) -> str:
        return self.supervisord.said

    def process(self, name: str) -> Process:
        return self.supervisor.processes()[name]

    def tell(self, name: str, way: str) -> None:
        """How the program is to behave from its next beat on: see `beating`."""
        (self.run_dir / name).write_text(way)

    def starts(self, name: str) -> list[float]:
        file = self.run_dir / f"{name}.starts"
        return [float(line) for line in file.read_text().splitlines()] if file.exists() else []

    def state(self, name: str) -> State | None:
        status = look(self.connection).get(name)
        return status.state if status else None

    def wait_for(self, name: str, state: State, within: float = 30) -> None:
        wait_until(lambda: self.state(name) is state, within, lambda: f"{name} is {self.state(name)}\n{self.said}")

    def restarts(self, name: str) -> int:
        return look(self.connection)[name].restarts

    def events(self, name: str, what: str) -> list[str]:
        rows = self.connection.execute(
            "SELECT coalesce(nullif(state, '') || ': ', '') || words FROM public.worker_events"
            " WHERE worker = %s AND what = %s ORDER BY id",
            [name, what],
        )
        return [words for (words,) in rows.fetchall()]

    def wait_for_event(self, name: str, what: str, within: float = 30) -> str:
        """The words of the first one."""
        wait_until(lambda: self.events(name, what) != [], within, lambda: f"no {what} of {name}\n{self.said}")
        return self.events(name, what)[0]

    def order(self, name: str, action: str, why: str = "") -> int:
        row = self.connection.execute(
            "INSERT INTO public.worker_orders (worker, action, actor, why) VALUES (%s, %s, 'ann', %s) RETURNING id",
            [name, action, why],
        ).fetchone()
        assert row
        return int(row[0])

    def outcome(self, number: int) -> str:
        row = self.connection.execute(
            "SELECT CASE WHEN done_at IS NULL THEN '' ELSE outcome END FROM public.worker_orders WHERE id = %s",
            [number],
        ).fetchone()
        return str(row[0]) if row else ""


def set_live(connection: Connection, **values: float) -> None:
    """Live settings of the runtime, such as silent_after, as if somebody had set them."""
    for name, value in values.items():
        connection.execute(
            "INSERT INTO public.live_values (name, value) VALUES (%s, to_jsonb(%s::float))"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [f"workers.{name}", value],
        )
        connection.execute(
            "INSERT INTO public.live_changes (name, actor, why) VALUES (%s, 'test', '')", [f"workers.{name}"]
        )


@contextmanager
def oversee(
    connection: Connection, run_dir: Path, names: Sequence[str], *, start_seconds: int = 1, database: str = ""
) -> Iterator[Overseen]:
    """Runs them until the end of the block; each is healthy at its beginning."""
    given = {"DATABASE_URL": database} if database else {}
    with supervise([make_overseer(), *beating(run_dir, names)], run_dir, given, start_seconds) as supervisord:
        overseen = Overseen(connection, run_dir, supervisord)
        wait_until(lambda: "watching the programs of" in overseen.said, 20, what=lambda: overseen.said)
        for name in names:
            overseen.wait_for(name, State.HEALTHY)
        yield overseen


@contextmanager
def oversee_as(
    host: str,
    connection: Connection,
    run_dir: Path,
    names: Sequence[str],
    *,
    row: str = "{}",
    recovery: timedelta = RECOVERY,
    pauses: Pauses = PAUSES,
) -> Iterator[Overseen]:
    """Likewise on a machine that calls itself `host`, with an overseer in this process, as tests want it to be.

    `row`: what the workers' rows are called, with the program's name for {}.
    """
    given = {"BEATS_ON": host, "BEATS_AS": row}
    overseer = Overseer(Place(host, run_dir / "supervisor.sock", run_dir / "stacks"), recovery, pauses)
    stop = Event()
    with supervise(beating(run_dir, names), run_dir, given) as supervisord:
        watching = Thread(target=overseer.run, args=[stop])
        watching.start()
        try:
            overseen = Overseen(connection, run_dir, supervisord)
            for name in names:
                overseen.wait_for(row.format(name), State.HEALTHY)
            yield overseen
        finally:
            stop.set()
            watching.join()


def beating(run_dir: Path, names: Sequence[str]) -> list[Program]:
    return [Program(name, (str(BEATING), str(run_dir / name)), stop_seconds=5) for name in names]


@contextmanager
def supervise(
    programs: Sequence[Program],
    run_dir: Path,
    environ: Mapping[str, str],
    start_seconds: int = 1,
    log_dir: Path | None = None,
) -> Iterator[Supervisord]:
    layout = Layout(Path(sys.executable), PROJECT, run_dir, log_dir, start_seconds=start_seconds)
    write_run_folder(programs, layout, "127.0.0.1")
    command = ["-m", "supervisor.supervisord", "-c", str(layout.file)]
    given = dict(os.environ) | environment({}) | dict(environ)
    supervisord = Supervisord(command, run_dir, run_dir / "out.log", given)
    try:
        yield supervisord
    finally:
        supervisord.kill()
