"""The tables of scheduled work, empty before and after; and the samples, known to this process as to the workers."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from psycopg import sql

from indexer.chains.connections import Connection, open_beside
from indexer.tasks.declaring import Task
from indexer.tasks.registry import load, load_task

SAMPLES = "tests.tasks.samples"
NAMES = ("ask", "count_up", "linger", "overrun", "pieces", "stumble")
TABLES = ("task_lines", "task_partitions", "task_runs", "task_schedules", "api_limits")
QUEUE = ("procrastinate_jobs", "procrastinate_workers")


@pytest.fixture
def samples() -> Iterator[None]:
    """They are no app of the tests' own process, whose apps are made once."""
    known = load().tasks
    found = [load_task(f"{SAMPLES}.scheduled.{name}") for name in NAMES]
    known.update({task.name: task for task in found})
    yield
    for task in found:
        known.pop(task.name, None)


@pytest.fixture
def line(chains: object, samples: None) -> Iterator[Connection]:
    """A connection to empty tables."""
    with closing(open_beside(application_name="footprint test")) as connection:
        empty(connection)
        yield connection
        empty(connection)


@pytest.fixture
def declared(line: Connection) -> Iterator[Callable[[Task], None]]:
    """Makes a task known to this process for the length of a test, instead of one of that name."""
    known = load().tasks
    before = dict(known)
    yield lambda task: known.update({task.name: task})
    known.clear()
    known.update(before)


def empty(connection: Connection) -> None:
    for table in (*TABLES, *QUEUE):
        connection.execute(sql.SQL("DELETE FROM public.{}").format(sql.Identifier(table)))
