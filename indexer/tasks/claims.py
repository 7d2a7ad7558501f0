"""A run in a worker's hands. All that a worker writes of a run it writes for its claim, and of an older claim nothing.

A claim is a number of the run's row, raised by whoever takes the run: a worker that comes back from the dead finds it
raised, and that is all it finds.
"""

import json
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from indexer.chains.connections import Connection
from indexer.tasks.carrier import put
from indexer.tasks.declaring import Counts, Lost
from indexer.tasks.releasing import release_partitions
from indexer.tasks.states import RunState

TAKE = """
UPDATE public.task_runs SET
    state = 'running', claim = claim + 1, worker = %(worker)s, why = '', attempt = attempt + 1, due_at = NULL,
    done_before = done,
    started_at = coalesce(started_at, now()), attempt_at = now(), beat_at = now()
WHERE id = %(run)s AND job_id = %(job)s AND state IN ('queued', 'waiting')
RETURNING id, claim, task, params::text, cursor::text, attempt, priority, done, total, stuck
"""
BEAT = """
UPDATE public.task_runs SET beat_at = now(), done = %(done)s, done_before = %(before)s, total = %(total)s
WHERE id = %(run)s AND claim = %(claim)s AND state = 'running'
RETURNING cancelled_by
"""
SAVE = """
UPDATE public.task_runs SET cursor = %(cursor)s::jsonb, done = %(done)s, total = %(total)s, stuck = 0
WHERE id = %(run)s AND claim = %(claim)s AND state = 'running'
"""
COUNT = """
UPDATE public.task_runs SET
    created = created + %(created)s, changed = changed + %(changed)s, unchanged = unchanged + %(unchanged)s,
    vanished = vanished + %(vanished)s, rejected = rejected + %(rejected)s, stuck = 0
WHERE id = %(run)s AND claim = %(claim)s AND state = 'running'
"""
SUCCEED = """
UPDATE public.task_runs SET
    state = 'succeeded', why = '', error = '', traceback = '', finished_at = now(), beat_at = now(),
    done = %(done)s, total = %(total)s,
    created = created + %(created)s, changed = changed + %(changed)s, unchanged = unchanged + %(unchanged)s,
    vanished = vanished + %(vanished)s, rejected = rejected + %(rejected)s
WHERE id = %(run)s AND claim = %(claim)s AND state = 'running'
"""
END = """
UPDATE public.task_runs SET
    state = %(state)s, why = %(why)s, error = %(error)s, traceback = %(traceback)s, finished_at = now(),
    beat_at = now(), done = %(done)s, total = %(total)s
WHERE id = %(run)s AND claim = %(claim)s AND state = 'running'
"""
# Somebody may have cancelled it in its last moments: then it does not go on. What is no attempt and waits until a
# moment gone by would come again at once, and for ever.
GO_ON = """
UPDATE public.task_runs SET
    state = CASE WHEN cancelled_by = '' THEN %(state)s ELSE 'cancelled' END,
    why = CASE WHEN cancelled_by = '' THEN %(why)s ELSE 'cancelled by ' || cancelled_by END,
    finished_at = CASE WHEN cancelled_by = '' THEN NULL ELSE now() END,
    due_at = CASE WHEN cancelled_by = '' AND %(due_at)s::timestamptz IS NOT NULL
        THEN greatest(%(due_at)s::timestamptz, now() + %(given_back)s * interval '1 s') END,
    attempt = attempt - %(given_back)s, stuck = stuck + %(stuck)s, error = %(error)s, traceback = %(traceback)s,
    beat_at = now(), done = %(done)s, total = %(total)s
WHERE id = %(run)s AND claim = %(claim)s AND state = 'running'
RETURNING state, due_at
"""


class Claim(NamedTuple):
    """A run that a worker has taken: what it is to do, and from where."""

    run: int
    number: int
    task: str
    params: dict[str, Any]
    cursor: Any
    attempt: int
    priority: int
    done: int
    total: int | None
    stuck: int


class Trouble(NamedTuple):
    """What is kept of an exception, without secrets."""

    error: str = ""
    traceback: str = ""


NO_TROUBLE = Trouble()


def take(run_id: int, job_id: int, worker: str) -> Claim | None:
    """None: the run is over, or another job carries it."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"run": run_id, "job": job_id, "worker": worker})
        row = cursor.fetchone()
    if row is None:
        return None
    run, number, task, params, kept, *others = row
    return Claim(run, number, task, json.loads(params), kept and json.loads(kept), *others)


def beat(beside: Connection, claim: Claim, done: int, before: int, total: int | None) -> str:
    """Who wants the run ended; empty: nobody. Raises Lost."""
    values = {"run": claim.run, "claim": claim.number, "done": done, "before": before, "total": total}
    row = beside.execute(BEAT, values).fetchone()
    if row is None:
        raise Lost(claim.run)
    return str(row[0])


def save(claim: Claim, kept: Any, done: int, total: int | None) -> None:
    """In the caller's transaction. Raises Lost."""
    write(claim, SAVE, {"cursor": json.dumps(kept), "done": done, "total": total})


def count(claim: Claim, counts: Counts) -> None:
    """Add to the records of the run, in the caller's transaction. Raises Lost."""
    write(claim, COUNT, counts._asdict())


def succeed(claim: Claim, counts: Counts, done: int, total: int | None) -> None:
    """The run is over, and all went well; a last wish to cancel it came too late. Raises Lost."""
    with transaction.atomic():
        write(claim, SUCCEED, {**counts._asdict(), "done": done, "total": total})
        release_partitions(claim.run)


def end(
    claim: Claim, state: RunState, done: int, total: int | None, why: str = "", trouble: Trouble = NO_TROUBLE
) -> None:
    """The run is over. Raises Lost."""
    with transaction.atomic():
        write(claim, END, {"state": state.value, "why": why, "done": done, "total": total, **trouble._asdict()})
        release_partitions(claim.run)


def go_on(
    claim: Claim,
    state: RunState,
    done: int,
    total: int | None,
    *,
    why: str = "",
    due_at: datetime | None = None,
    is_attempt: bool = True,
    is_stuck: bool = False,
    trouble: Trouble = NO_TROUBLE,
) -> None:
    """The run is to go on later: it is put into the line again. `is_attempt`: this one counts. `is_stuck`: it was left.

    Raises Lost.
    """
    values = {
        "run": claim.run,
        "claim": claim.number,
        "state": state.value,
        "why": why,
        "due_at": due_at,
        "given_back": 0 if is_attempt else 1,
        "stuck": 1 if is_stuck else 0,
        "done": done,
        "total": total,
        **trouble._asdict(),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(GO_ON, values)
        row = cursor.fetchone()
        if row is None:
            raise Lost(claim.run)
        release_partitions(claim.run)
        if row[0] != RunState.CANCELLED:
            job_id = put(claim.run, claim.task, claim.priority, row[1])
            cursor.execute("UPDATE public.task_runs SET job_id = %s WHERE id = %s", [job_id, claim.run])


def write(claim: Claim, query: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, {**values, "run": claim.run, "claim": claim.number})
        if cursor.rowcount != 1:
            raise Lost(claim.run)
