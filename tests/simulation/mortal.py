"""A database connection whose process dies at a statement of its choice: kill -9, without a process to kill."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from indexer.chains.connections import Connection


class Killed(BaseException):
    """The process is no more. No Exception: nothing of the dead code may handle it."""


class MortalConnection(psycopg.Connection[tuple[Any, ...]]):
    """Counts statements, BEGIN and COMMIT; none is sent after `left` of them (None: it lives on)."""

    left: int | None = None

    def step(self) -> None:
        if self.left is None:
            return
        if self.left <= 0:
            # The socket closes as the kernel closes those of a dead process; the server rolls back by itself.
            self.pgconn.finish()
            raise Killed
        self.left -= 1

    @contextmanager
    def transaction(self, savepoint_name: str | None = None, force_rollback: bool = False) -> Iterator[Any]:
        self.step()
        with super().transaction(savepoint_name, force_rollback) as transaction:
            yield transaction
            self.step()
        self.step()


class MortalCursor(psycopg.Cursor[tuple[Any, ...]]):
    def execute(self, query: Any, params: Any = None, **options: Any) -> "MortalCursor":
        self.connection.step()  # type: ignore[attr-defined]
        return super().execute(query, params, **options)


def open_mortal(connection: Connection) -> MortalConnection:
    """A second connection to where `connection` leads."""
    row = connection.execute("SHOW search_path").fetchone()
    assert row is not None
    opened = MortalConnection.connect(
        connection.info.dsn,
        password=connection.info.password,
        autocommit=True,
        options=f"-c search_path={row[0]} -c lock_timeout=10s",
    )
    opened.cursor_factory = MortalCursor
    return opened


def cut(connection: Connection, victim: Connection) -> None:
    """Let PostgreSQL end the victim's connection, as a restart or a failover does; returns when it has."""
    connection.execute("SELECT pg_terminate_backend(%s, 5000)", [victim.info.backend_pid])
