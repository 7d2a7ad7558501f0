"""Hold one side of a race before any of its statements, let the other side run, and see who waited for whom."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import psycopg

from indexer.chains.connections import Connection

PATIENCE = 20.0
"""Seconds after which a side that should have come through counts as hanging."""
LONG_ENOUGH_TO_BLOCK = 0.06
"""Seconds after which the other side is taken to be waiting for a lock of the held one."""


class Gate:
    """Counts the steps of one side and stops it before step `at`."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.steps: list[str] = []
        self.held = Event()
        self.open = Event()

    def reach(self, step: str) -> None:
        self.steps.append(step)
        if len(self.steps) == self.at + 1:
            self.held.set()
            if not self.open.wait(PATIENCE):
                raise TimeoutError(f"nobody opened the gate before {step}")


class GatedCursor(psycopg.Cursor[tuple[Any, ...]]):
    def execute(self, query: Any, params: Any = None, **options: Any) -> "GatedCursor":
        self.connection.gate.reach(" ".join(str(query).split())[:80])  # type: ignore[attr-defined]
        return super().execute(query, params, **options)


class GatedConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose every statement, BEGIN and COMMIT passes the gate."""

    gate: Gate

    @contextmanager
    def transaction(self, savepoint_name: str | None = None, force_rollback: bool = False) -> Iterator[Any]:
        self.gate.reach("BEGIN")
        with super().transaction(savepoint_name, force_rollback) as transaction:
            yield transaction
            self.gate.reach("COMMIT")


def open_gated(connection: Connection, gate: Gate) -> GatedConnection:
    """A second connection to where `connection` leads."""
    row = connection.execute("SHOW search_path").fetchone()
    assert row is not None
    opened = GatedConnection.connect(
        connection.info.dsn, password=connection.info.password, autocommit=True, options=f"-c search_path={row[0]}"
    )
    opened.cursor_factory = GatedCursor
    opened.gate = gate
    return opened


class Side(Thread):
    """One side of a race in a thread of its own; what it raised is raised by `finish`."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.work = work
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.error = error

    def finish(self) -> None:
        self.join(PATIENCE)
        assert not self.is_alive(), "one side of the race hangs"
        if self.error is not None:
            raise self.error


def race(
    connection: Connection, at: int, held: Callable[[Connection], object], other: Callable[[], object]
) -> Gate | None:
    """Run `held` up to its step `at`, then `other` as far as locks let it, then both to their end.

    None when `held` has fewer steps: every one of them has been tried.
    """
    gate = Gate(at)
    with open_gated(connection, gate) as gated:
        first = Side(lambda: held(gated))
        while first.is_alive() and not gate.held.wait(0.005):
            pass
        if not gate.held.is_set():
            first.finish()
            return None
        second = Side(other)
        second.join(LONG_ENOUGH_TO_BLOCK)
        gate.open.set()
        first.finish()
        second.finish()
    return gate
