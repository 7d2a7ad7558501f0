"""Backfills in pieces, each of which is complete or not, whatever run does it: "resume what failed" is just a new run.

A partition is complete when its function has returned, and not before. Doing one twice does no harm; every task that
has partitions sees to that.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from indexer.tasks import claims
from indexer.tasks.coverage import Days, is_covered
from indexer.tasks.declaring import Cancelled, Counts, Lost, Task, TaskError, Wait
from indexer.tasks.handle import Handle, Leaving
from indexer.tasks.models import Partition
from indexer.tasks.params import split_days
from indexer.tasks.registry import find
from indexer.tasks.schedules import database_now
from indexer.tasks.states import PartitionState

MAKE = """
INSERT INTO public.task_partitions (task, key, state)
SELECT %(task)s, key, 'missing' FROM unnest(%(keys)s::text[]) AS key
ON CONFLICT (task, key) DO NOTHING
"""
GROW_STALE = """
UPDATE public.task_partitions SET state = 'stale' WHERE task = %(task)s AND key = ANY(%(keys)s) AND state = 'complete'
"""
# One that another run is at is skipped, unless that run is over or has lost its worker for good.
CLAIM = """
UPDATE public.task_partitions SET state = 'running', run_id = %(run)s, attempts = attempts + 1
WHERE id = (
    SELECT id FROM public.task_partitions AS each
    WHERE task = %(task)s AND key = %(key)s AND (
        state IN ('missing', 'failed', 'stale')
        OR state = 'running' AND (run_id IS NULL OR run_id = %(run)s OR NOT EXISTS (
            SELECT FROM public.task_runs WHERE id = each.run_id AND state IN ('queued', 'running', 'waiting')
        ))
    )
    FOR UPDATE SKIP LOCKED
) AND EXISTS (SELECT FROM public.task_runs WHERE id = %(run)s AND claim = %(claim)s AND state = 'running')
"""


class PartitionsFailed(Exception):
    """Some could not be done, and all others have been."""


def run_partitions(run: Handle, params: dict[str, Any]) -> Counts:
    """Do all that are missing, failed or stale, one after the other. What they counted is stored with each of them.

    Raises PartitionsFailed at the end where some have, and what ends a run.
    """
    task = run.task
    days, _ = split_days(task, run.claim.params)
    wanted = Days(days.get("first"), days.get("last"))
    keys = list(dict.fromkeys(list_keys(task, wanted, params)))
    resumed = run.cursor if isinstance(run.cursor, dict) else {}
    is_done = prepare(task, keys, wanted)
    run.done, run.total = len(is_done), len(keys)
    failed = 0
    for key in keys:
        run.heed()
        if key in is_done or not take(run, key):
            continue
        run.cursor = resumed.get("cursor") if resumed.get("partition") == key else None
        failed += not do_one(run, key, wanted, params)
        run.done += 1
    if failed:
        raise PartitionsFailed(f"{failed:,} of {len(keys):,} partitions failed")
    return Counts()


def list_keys(task: Task, wanted: Days, params: dict[str, Any]) -> Iterator[str]:
    """Those of the run's parameters that the listing takes by name are given to it, too."""
    if task.partitions is None:
        raise TaskError(f"{task.name} has no partitions")
    taken = inspect.signature(task.partitions).parameters.values()
    names = [each.name for each in taken if each.kind is inspect.Parameter.KEYWORD_ONLY]
    given = {name: params[name] for name in names if name in params}
    yield from task.partitions(wanted.first, wanted.last, **given)


def prepare(task: Task, keys: list[str], wanted: Days) -> set[str]:
    """Make the rows that are not there yet, and let complete ones grow stale; the keys with nothing left to do."""
    now = database_now()
    complete = Partition.objects.filter(task=task.name, state=PartitionState.COMPLETE)
    covered = {
        key
        for key, first, last, finished_at in complete.values_list("key", "first", "last", "finished_at")
        if finished_at and is_covered(wanted, Days(first, last), finished_at, task.fresh_for, now)
    }
    is_done = covered.intersection(keys)
    with connection.cursor() as cursor:
        cursor.execute(MAKE, {"task": task.name, "keys": keys})
        cursor.execute(GROW_STALE, {"task": task.name, "keys": [key for key in keys if key not in is_done]})
    return is_done


def take(run: Handle, key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"task": run.task.name, "run": run.claim.run, "claim": run.claim.number, "key": key})
        return bool(cursor.rowcount)


def do_one(run: Handle, key: str, wanted: Days, params: dict[str, Any]) -> bool:
    """Whether it has become complete. Raises what ends the run."""
    run.restart_clock()
    try:
        with working_at(run, key):
            counts = run.task(run, key, **params)
    except (Lost, Cancelled, Leaving, Wait):
        raise  # the end of the run releases it
    except Exception as error:  # one that fails takes no other with it
        words = settings.MASK(f"{type(error).__name__}: {error}").replace("\0", " ")
        run.log.error("partition %s: %s", key, words, exc_info=error)
        note(run, key, Counts(), state=PartitionState.FAILED, error=words)
        return False
    note(
        run,
        key,
        counts,
        state=PartitionState.COMPLETE,
        first=wanted.first,
        last=wanted.last,
        error="",
        records=counts.created + counts.changed + counts.unchanged,
        finished_at=Now(),
    )
    return True


def note(run: Handle, key: str, counts: Counts, **values: Any) -> None:
    """What has become of the partition, and what it counted, as long as the run is ours. Raises Lost."""
    with transaction.atomic():
        claims.count(run.claim, counts)
        Partition.objects.filter(task=run.task.name, key=key, run=run.claim.run).update(**values)


@contextmanager
def working_at(run: Handle, key: str) -> Iterator[None]:
    run.partition = key
    try:
        yield
    finally:
        run.partition = None
        run.restart_clock()


def grid(task_name: str) -> list[Partition]:
    """All partitions of a task, by key. Raises TaskError for a task that has none."""
    if find(task_name).partitions is None:
        raise TaskError(f"{task_name} is not done in partitions")
    return list(Partition.objects.filter(task=task_name).order_by("key"))
