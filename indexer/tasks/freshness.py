"""How old is what tasks keep, against what they promise."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from msgspec import Struct

from indexer.tasks.registry import broken, tasks
from indexer.tasks.schedules import database_now

IS_WHOLE = """
run.state = 'succeeded' AND (run.params = '{}' OR EXISTS (
    SELECT FROM public.task_schedules AS planned WHERE planned.task = run.task AND planned.params = run.params
))
"""
"""Of a row `run` of task_runs: it has done all that its task keeps. One that somebody has asked for with parameters of
its own may have done a part of it."""

# A few steps into the index task_runs_of: of one task, from its newest run back. What a retry goes on with is as old as
# the run that began it, and there may be a newer one beside.
NEWEST = f"""
SELECT given.task, greatest(tried.began, other.started_at), now()
  FROM unnest(%s::text[]) AS given (task)
  LEFT JOIN LATERAL (
       SELECT id, retry_of_id FROM public.task_runs AS run
        WHERE task = given.task AND {IS_WHOLE} ORDER BY id DESC LIMIT 1) good ON true
  LEFT JOIN LATERAL (
       WITH RECURSIVE chain AS (
            SELECT id, retry_of_id, started_at FROM public.task_runs WHERE id = good.id
            UNION
            SELECT before.id, before.retry_of_id, before.started_at
              FROM chain JOIN public.task_runs AS before ON before.id = chain.retry_of_id
             WHERE nullif(before.cursor, 'null') IS NOT NULL
                OR EXISTS (SELECT FROM public.task_partitions AS piece WHERE piece.task = given.task))
       SELECT min(started_at) AS began FROM chain) tried ON true
  LEFT JOIN LATERAL (
       SELECT started_at FROM public.task_runs AS run
        WHERE task = given.task AND {IS_WHOLE} AND retry_of_id IS NULL AND id < good.id
          AND good.retry_of_id IS NOT NULL
        ORDER BY id DESC LIMIT 1) other ON true
"""


class Freshness(Struct, frozen=True):
    """How old is what a task keeps, against the promise: `newest` is when its newest success of all of it began, or the
    run that this one goes on with; ages are in seconds; null: never yet.

    `trouble`: why the task's file cannot be used, empty where it can; what it promised is not known then, and it is
    stale.
    """

    name: str
    newest: datetime | None
    age: float | None
    promised: float | None
    stale: bool
    trouble: str


def read_freshness() -> list[Freshness]:
    """Of every task that promises some, and of every file that should be a task and is none; one statement, for load
    balancers ask for it all the time."""
    known = tasks()
    names = [name for name, task in known.items() if task.fresh_for is not None]
    names += sorted({each.name for each in broken()} - known.keys())
    newest, now = read_newest(names)
    found = [judge_freshness(name, newest[name], now) for name in names]
    return [each for each in found if each is not None]


def read_newest(names: Sequence[str]) -> tuple[dict[str, datetime | None], datetime]:
    """When the newest success of all that each task keeps began, and the database's time."""
    if not names:
        return {}, database_now()
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, [list(names)])
        rows = cursor.fetchall()
    return {name: newest for name, newest, _ in rows}, rows[0][-1]


def judge_freshness(name: str, newest: datetime | None, now: datetime) -> Freshness | None:
    """None: it promises nothing, or is no file any more."""
    age = None if newest is None else max(0.0, (now - newest).total_seconds())
    task = tasks().get(name)
    if task is None:
        words = next((each.words for each in broken() if each.name == name), "")
        return Freshness(name, newest, age, None, stale=True, trouble=words) if words else None
    if task.fresh_for is None:
        return None
    promised = task.fresh_for.total_seconds()
    return Freshness(name, newest, age, promised, stale=age is None or age > promised, trouble="")
