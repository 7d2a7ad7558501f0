"""Tasks and what became of their runs, as workers would have written it, for the tests of what is told of them."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from indexer.chains.connections import Connection, open_beside
from indexer.tasks.declaring import Counts, Priority, Run, Task, TaskError, task
from indexer.tasks.registry import load
from indexer.tasks.schedules import make_defaults

TABLES = ("task_lines", "task_partitions", "task_runs", "task_schedules", "api_limits", "procrastinate_jobs")


def refuse_the_sea(*, limit: int = 0, meadow: str = "") -> None:
    if meadow == "sea":
        raise TaskError("count-sheep: the sea is no meadow")


@task(cron="0 3 * * *", fresh_for=timedelta(hours=26), priority=Priority.HIGH, budgets=("grass",), check=refuse_the_sea)
def count_sheep(run: Run, *, limit: int = 0, meadow: str = "") -> Counts:
    """Count every sheep of a meadow."""
    return Counts(created=limit)


@task(every=3600.0)
def shear_sheep(run: Run) -> Counts:
    """Take the wool of those that have some."""
    return Counts()


def list_fields(first: date | None, last: date | None) -> list[str]:
    return ["north", "south"]


@task(partitions=list_fields)
def plough_fields(run: Run, key: str, *, deep: bool = False) -> Counts:
    """Plough field by field."""
    return Counts()


TASKS: dict[str, Task] = {each.name: each for each in (count_sheep, plough_fields, shear_sheep)}


@pytest.fixture
def told(chains: object) -> Iterator[Connection]:
    """A connection to empty tables of tasks, but for the schedules of the tasks above, which this process knows."""
    known = load().tasks
    known.update(TASKS)
    with closing(open_beside(application_name="footprint test")) as connection:
        empty(connection)
        make_defaults()
        yield connection
        empty(connection)
    for name in TASKS:
        del known[name]


def empty(connection: Connection) -> None:
    for table in TABLES:
        connection.execute(sql.SQL("DELETE FROM public.{}").format(sql.Identifier(table)))


def tell_run(connection: Connection, task: str, state: str, **columns: Any) -> int:
    """A run that was queued ten minutes ago, and started and ended since as its state says; its id.

    Columns whose names end in `_at` are given as seconds ago.
    """
    ago = {"queued_at": 600.0}
    if state not in ("queued", "waiting"):
        ago |= {"started_at": 100.0, "attempt_at": 100.0, "beat_at": 0.0}
    if state in ("succeeded", "failed", "cancelled"):
        ago |= {"finished_at": 40.0, "beat_at": 40.0}
    ago |= {name: value for name, value in columns.items() if name.endswith("_at")}
    given: dict[str, Any] = {
        "params": {},
        "priority": Priority.MEDIUM,
        "actor": "",
        "attempt": 1 if "started_at" in ago else 0,
    }
    given |= {name: value for name, value in columns.items() if not name.endswith("_at")}
    given = {name: Jsonb(value) if name in ("params", "cursor") else value for name, value in given.items()}
    names = sql.SQL(", ").join(map(sql.Identifier, ["task", "state", *given, *ago]))
    values = sql.SQL(", ").join(
        [sql.Placeholder()] * (len(given) + 2) + [sql.SQL("now() - make_interval(secs => %s)")] * len(ago)
    )
    statement = sql.SQL("INSERT INTO public.task_runs ({}) VALUES ({}) RETURNING id").format(names, values)
    row = connection.execute(statement, [task, state, *given.values(), *ago.values()]).fetchone()
    assert row is not None
    return int(row[0])


def tell_line(connection: Connection, run: int, text: str, level: str = "INFO") -> None:
    connection.execute("INSERT INTO public.task_lines (run_id, level, text) VALUES (%s, %s, %s)", [run, level, text])


def tell_partition(
    connection: Connection,
    key: str,
    state: str,
    *,
    task: str = "plough-fields",
    error: str = "",
    run: int | None = None,
) -> None:
    connection.execute(
        """
        INSERT INTO public.task_partitions (task, key, state, error, run_id, attempts, finished_at)
        VALUES (%(task)s, %(key)s, %(state)s::text, %(error)s, %(run)s, 1,
                CASE WHEN %(state)s::text IN ('complete', 'stale') THEN now() END)
        """,
        {"task": task, "key": key, "state": state, "error": error, "run": run},
    )
