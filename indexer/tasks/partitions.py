"""Backfills in pieces, each of which is complete or not, whatever run does it: "resume what failed" is just a new run.

A partition is complete when its function has returned, and not before. Doing one twice does no harm; every task that
has partitions sees to that. Partitions that fail take no others with them, unless it is plain that the source is away.
"""

import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from indexer.tasks import claims
from indexer.tasks.coverage import Days, is_covered
from indexer.tasks.declaring import Cancelled, Counts, ListKeys, Lost, Refused, Task, Wait
from indexer.tasks.handle import Handle, Leaving
from indexer.tasks.models import Partition
from indexer.tasks.outages import is_outage
from indexer.tasks.params import DAYS, choose_days
from indexer.tasks.retrying import asked_pause
from indexer.tasks.schedules import database_now
from indexer.tasks.states import PartitionState
from indexer.tasks.troubles import describe, say

LONGEST_KEY = 200
"""Characters, as the table has them."""
MOST_IN_A_ROW = 5
"""Partitions that fail one after the other with the same kind of error, after which the others are left for later."""
MOST_REFUSED = 25
"""Partitions that are refused one after the other, after which it is all that the source has, and not they."""

# When a run was asked for, or the one that it goes on with.
SINCE = """
WITH RECURSIVE tried AS (
    SELECT id, retry_of_id, queued_at FROM public.task_runs WHERE id = %s
    UNION
    SELECT before.id, before.retry_of_id, before.queued_at
    FROM tried JOIN public.task_runs AS before ON before.id = tried.retry_of_id
)
SELECT min(queued_at), now() FROM tried
"""
MAKE = """
INSERT INTO public.task_partitions (task, key, state)
SELECT %(task)s, key, 'missing' FROM unnest(%(keys)s::text[]) AS key
ON CONFLICT (task, key) DO NOTHING
"""
GROW_STALE = """
UPDATE public.task_partitions SET state = 'stale' WHERE task = %(task)s AND key = ANY(%(keys)s) AND state = 'complete'
"""
RETIRE = """
DELETE FROM public.task_partitions
WHERE task = %(task)s AND state IN ('missing', 'failed', 'stale', 'refused') AND key <> ALL(%(keys)s)
"""
# One that another run is at is skipped, unless that run is over or has lost its worker for good.
CLAIM = """
UPDATE public.task_partitions SET state = 'running', run_id = %(run)s, attempts = attempts + 1
WHERE id = (
    SELECT id FROM public.task_partitions AS each
    WHERE task = %(task)s AND key = %(key)s AND (
        state IN ('missing', 'failed', 'stale', 'refused')
        OR state = 'running' AND (run_id IS NULL OR run_id = %(run)s OR NOT EXISTS (
            SELECT FROM public.task_runs WHERE id = each.run_id AND state IN ('queued', 'running', 'waiting')
        ))
    )
    FOR UPDATE SKIP LOCKED
) AND EXISTS (SELECT FROM public.task_runs WHERE id = %(run)s AND claim = %(claim)s AND state = 'running')
"""


class PartitionsFailed(Exception):
    """Some could not be done; all others have been, or the text says that they are left for later."""


class Failures:
    """What has become of the partitions of one attempt so far, and whether it is of any use to go on."""

    def __init__(self) -> None:
        self.complete = 0
        self.failed = 0
        self._in_a_row: list[BaseException] = []
        self._refused = 0

    def succeed(self) -> None:
        self.complete += 1
        self._refused = 0
        self._in_a_row.clear()

    def refuse(self, words: str) -> None:
        """Raises PartitionsFailed where so many are that it is not they."""
        self._refused += 1
        if self._refused == MOST_REFUSED:
            raise PartitionsFailed(
                f"{MOST_REFUSED} partitions in a row were refused, so that the others are left for later: {words}"
            )

    def fail(self, error: BaseException) -> None:
        """Raises what ends the attempt, where it is the source that fails and not the partition.

        A source that says when it may be asked again is heeded, and that is no attempt as long as the run gets on; the
        next one comes to what has failed last of all, so that one partition does not stop the others.
        """
        self.failed += 1
        pause = asked_pause(error)
        if pause is not None:
            if not self.complete:
                raise error
            raise Wait(say(error), database_now() + timedelta(seconds=pause))
        if self._in_a_row and type(self._in_a_row[-1]) is not type(error):
            self._in_a_row.clear()
        self._in_a_row.append(error)
        if (count := len(self._in_a_row)) == MOST_IN_A_ROW:
            raise PartitionsFailed(
                f"{count} partitions in a row failed, so that the others are left for later: "
                f"{type(error).__name__}: {error}"
            ) from error


def run_partitions(run: Handle, list_keys: ListKeys, params: dict[str, Any]) -> Counts:
    """Do all that are not complete, one after the other. What they counted is stored with each of them.

    Raises PartitionsFailed at the end where some have, and what ends a run.
    """
    task = run.task
    wanted = choose_days(task, run.claim.params)
    given = pick_params(list_keys, params)
    keys = read_keys(list_keys(wanted.first, wanted.last, **given))
    resumed = run.cursor if isinstance(run.cursor, dict) else {}
    if not given and not any(name in run.claim.params for name in DAYS):
        retire_others(task, keys)
    todo = prepare(run, keys, wanted)
    run.done = run.before = len(keys) - len(todo)
    run.total = len(keys)
    so_far = Failures()
    for key in todo:
        run.heed()
        if not take(run, key):
            continue
        run.cursor = resumed.get("cursor") if resumed.get("partition") == key else None
        do_one(run, key, wanted, params, so_far)
        run.done += 1
    if so_far.failed:
        raise PartitionsFailed(f"{so_far.failed:,} of {len(keys):,} partitions failed")
    refused = Partition.objects.filter(task=task.name, key__in=keys, state=PartitionState.REFUSED)
    if 2 * (count := refused.count()) > len(keys):
        raise PartitionsFailed(f"{count:,} of {len(keys):,} partitions were refused")
    return Counts()


def read_keys(listed: Iterable[str]) -> list[str]:
    """Those that a task lists, each once. Raises TypeError for what is none."""
    if isinstance(listed, str):
        raise TypeError(f"partitions are a list of keys, and not the text {listed[:LONGEST_KEY]!r}")
    keys = list(dict.fromkeys(listed))
    for key in keys:
        if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY:
            raise TypeError(f"{key!r} is no key of a partition: that is a text of 1 to {LONGEST_KEY} characters")
    return keys


def pick_params(list_keys: ListKeys, params: dict[str, Any]) -> dict[str, Any]:
    """Those of the run's parameters that the listing takes by name."""
    taken = inspect.signature(list_keys).parameters.values()
    names = [each.name for each in taken if each.kind is inspect.Parameter.KEYWORD_ONLY]
    return {name: params[name] for name in names if name in params}


def retire_others(task: Task, keys: list[str]) -> None:
    """All that the task has is listed: what is not and was never completed, or no longer is, will never be."""
    with connection.cursor() as cursor:
        cursor.execute(RETIRE, {"task": task.name, "keys": keys})


def prepare(run: Handle, keys: list[str], wanted: Days) -> list[str]:
    """Make missing rows, let complete ones that do not cover what is wanted grow stale; the keys to do.

    Those that have failed, or were refused before, come last; those that were refused in this run not again.
    """
    task = run.task
    with connection.cursor() as cursor:
        cursor.execute(MAKE, {"task": task.name, "keys": keys})
        cursor.execute(SINCE, [run.claim.run])
        since, now = cursor.fetchone()
        known = Partition.objects.filter(task=task.name, key__in=keys)
        complete = known.filter(state=PartitionState.COMPLETE)
        is_done = {
            key
            for key, first, last, finished_at in complete.values_list("key", "first", "last", "finished_at")
            if finished_at and is_covered(wanted, Days(first, last), finished_at, since, task.fresh_for, now)
        }
        refused = dict(known.filter(state=PartitionState.REFUSED).values_list("key", "run"))
        is_done |= {key for key, by in refused.items() if by == run.claim.run}
        todo = [key for key in keys if key not in is_done]
        cursor.execute(GROW_STALE, {"task": task.name, "keys": todo})
    last = {*known.filter(state=PartitionState.FAILED).values_list("key", flat=True), *refused}
    return sorted(todo, key=last.__contains__)


def take(run: Handle, key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"task": run.task.name, "run": run.claim.run, "claim": run.claim.number, "key": key})
        return bool(cursor.rowcount)


def do_one(run: Handle, key: str, wanted: Days, params: dict[str, Any], so_far: Failures) -> None:
    """Raises what ends the run."""
    run.restart_clock()
    try:
        with working_at(run, key):
            counts = run.task(run, key, **params)
    except (Lost, Cancelled, Leaving, Wait):
        raise  # the end of the run releases it
    except Refused as error:
        words = say(error)
        run.log.warning("partition %s is refused: %s", key, words)
        note(run, key, Counts(), state=PartitionState.REFUSED, error=words)
        so_far.refuse(words)
        return
    except (Exception, SystemExit) as error:
        if is_outage(error):
            raise
        words = describe(error)
        run.log.error("partition %s: %s", key, words, exc_info=error)
        note(run, key, Counts(), state=PartitionState.FAILED, error=words)
        so_far.fail(error)
        return
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
    so_far.succeed()


def note(run: Handle, key: str, counts: Counts, **values: Any) -> None:
    """What has become of the partition, and what it counted, as long as the run is ours. Raises Lost."""
    with transaction.atomic():
        claims.count(run.claim, counts)
        Partition.objects.filter(task=run.task.name, key=key, run=run.claim.run).update(**values)
    run.stuck = 0


@contextmanager
def working_at(run: Handle, key: str) -> Iterator[None]:
    run.partition = key
    try:
        yield
    finally:
        run.partition = None
        run.restart_clock()
