"""Runs whose worker has vanished go back into the line, with what they had stored; any worker looks for them.

A worker that is alive beats, and so does each of its runs: one that lost its worker's beat, as workers that leave do,
is still in good hands as long as it beats itself.
"""

import logging

from django.db import connection, transaction

from indexer.tasks.carrier import NAME, put
from indexer.tasks.releasing import release_partitions
from indexer.tasks.states import RunState

log = logging.getLogger(__name__)

BEAT = 3.0
"""Seconds between two beats of a worker."""
SILENT = 12.0
"""Seconds after which one that does not beat has vanished."""
MOST = 5
"""Times in a row that a run was left, without having come further, after which it has failed: it is what kills its
workers, be it before they have begun with it, or the database."""

# Those that nobody carries: their job's worker is silent, or the job has ended without them.
FIND = """
SELECT run.id FROM public.task_runs AS run
LEFT JOIN public.procrastinate_jobs AS job ON job.id = run.job_id
LEFT JOIN public.procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE run.state IN ('queued', 'running', 'waiting') AND coalesce(
        job.status NOT IN ('todo', 'doing')
        OR job.status = 'doing' AND coalesce(worker.last_heartbeat < now() - %(silent)s * interval '1 s', true),
    true)
    AND coalesce(run.beat_at < now() - %(silent)s * interval '1 s', true)
"""
LOCK = FIND + " AND run.id = %(run)s FOR UPDATE OF run SKIP LOCKED"
FREE = """
UPDATE public.task_runs SET
    claim = claim + 1,
    attempt = attempt - CASE state WHEN 'running' THEN 1 ELSE 0 END,
    takeovers = takeovers + CASE state WHEN 'running' THEN 1 ELSE 0 END,
    stuck = stuck + 1,
    why = CASE state WHEN 'running' THEN 'its worker, ' || worker || ', was silent' ELSE why END,
    state = CASE WHEN due_at > now() THEN 'waiting' ELSE 'queued' END
WHERE id = %(run)s
RETURNING job_id, task, priority, due_at, stuck, cancelled_by
"""
END = """
UPDATE public.task_runs SET state = %(state)s, why = %(why)s, error = %(error)s, finished_at = now(), due_at = NULL
WHERE id = %(run)s
"""
DROP_JOB = "DELETE FROM public.procrastinate_jobs WHERE id = %s AND status = 'doing'"
# Jobs in hand of which no run knows: their worker has vanished, or could not tell the line that they are over.
DROP_LEFT_OVER = """
DELETE FROM public.procrastinate_jobs AS job
WHERE job.status = 'doing' AND job.task_name = %(name)s AND NOT EXISTS (
    SELECT FROM public.task_runs AS run WHERE run.id = (job.args ->> 'run_id')::bigint AND (
        run.job_id = job.id AND run.state IN ('queued', 'running', 'waiting')
        OR run.beat_at > now() - %(silent)s * interval '1 s'
    )
)
"""


def take_over() -> list[int]:
    """Put every run that nobody carries back into the line; their ids."""
    with connection.cursor() as cursor:
        cursor.execute(FIND, {"silent": SILENT})
        found = [run_id for (run_id,) in cursor.fetchall()]
    freed = [run_id for run_id in found if free(run_id)]
    with connection.cursor() as cursor:
        cursor.execute(DROP_LEFT_OVER, {"name": NAME, "silent": SILENT})
    return freed


def free(run_id: int) -> bool:
    """False: another process has just done so, or its worker is there again."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK, {"run": run_id, "silent": SILENT})
        if cursor.fetchone() is None:
            return False
        cursor.execute(FREE, {"run": run_id})
        job_id, name, priority, due_at, stuck, cancelled_by = cursor.fetchone()
        cursor.execute(DROP_JOB, [job_id])
        release_partitions(run_id)
        if cancelled_by:
            end = {"state": RunState.CANCELLED.value, "why": f"cancelled by {cancelled_by}", "error": ""}
            cursor.execute(END, {**end, "run": run_id})
            return True
        if stuck >= MOST:
            words = f"its worker was silent {stuck} times"
            cursor.execute(END, {"state": RunState.FAILED.value, "why": words, "error": words, "run": run_id})
            log.error("run %s of %s has failed: %s", run_id, name, words)
            return True
        new = put(run_id, name, priority, due_at)
        cursor.execute("UPDATE public.task_runs SET job_id = %s WHERE id = %s", [new, run_id])
    log.warning("run %s of %s is back in the line: its worker was silent", run_id, name)
    return True
