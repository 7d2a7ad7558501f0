"""Rows of workers as their hearts would have written them."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from psycopg import sql

from indexer.chains.connections import Connection, open_beside
from indexer.workers.statuses import Status, read_statuses

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TABLES = ("workers", "worker_events", "worker_lines", "worker_orders", "live_values", "live_changes", "audit")


@pytest.fixture
def runtime(chains: object) -> Iterator[Connection]:
    """A connection to the tables of the worker runtime, which are empty before and after."""
    with closing(open_beside(application_name="footprint test")) as connection:
        empty(connection)
        yield connection
        empty(connection)


def empty(connection: Connection) -> None:
    for table in TABLES:
        connection.execute(sql.SQL("DELETE FROM public.{}").format(sql.Identifier(table)))


def tell(connection: Connection, name: str, *, beat: float = 0, progress: float = 0, **columns: Any) -> None:
    """A worker that beat and worked so many seconds ago says `columns`; it said something else before."""
    given = {
        "kind": "chain",
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "process": uuid4(),
        "said": "healthy",
        "why": "",
        **columns,
    }
    times = {"beat_at": beat, "progress_at": progress, "said_at": 600, "started_at": 3600}
    names = sql.SQL(", ").join(map(sql.Identifier, ["name", *given, *times]))
    values = sql.SQL(", ").join([sql.Placeholder()] * (len(given) + 1))
    ago = sql.SQL(", ").join([sql.SQL("now() - make_interval(secs => %s)")] * len(times))
    statement = sql.SQL("INSERT INTO public.workers ({}) VALUES ({}, {})").format(names, values, ago)
    connection.execute("DELETE FROM public.workers WHERE name = %s", [name])
    connection.execute(statement, [name, *given.values(), *times.values()])


def look(connection: Connection, known_since: datetime = LONG_AGO) -> dict[str, Status]:
    """By name; the tests' own server may have begun a moment ago, which would excuse everybody."""
    return {status.name: status for status in read_statuses(connection.cursor(), known_since)}
