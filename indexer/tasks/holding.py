"""Which other run a queued one begins after: of a task that is alone one is at work, and they keep their order."""

from collections.abc import Iterable

from django.db import connection

from indexer.tasks.models import TaskRun
from indexer.tasks.states import RunState

# As the line gives them out. The one at work, else one that is not due yet, else the first of those before it.
HOLDERS = """
SELECT run.id, holder.id, holder.state, holder.why, holder.due_at
FROM public.task_runs AS run
JOIN public.procrastinate_jobs AS job ON job.id = run.job_id
JOIN LATERAL (
    SELECT other.id, other.state, other.why, other.due_at
    FROM public.procrastinate_jobs AS before
    JOIN public.task_runs AS other ON other.id = (before.args ->> 'run_id')::bigint AND other.job_id = before.id
    WHERE before.lock = job.lock AND before.id <> job.id AND (
        before.status = 'doing' OR before.status = 'todo' AND (before.priority, -before.id) > (job.priority, -job.id)
    )
    ORDER BY before.status = 'doing' DESC, other.state = 'waiting' DESC, before.priority DESC, before.id
    LIMIT 1
) AS holder ON true
WHERE run.id = ANY(%s) AND job.status = 'todo'
"""


def say_holder(run: TaskRun) -> str:
    """In words; empty where it waits for nothing but a worker."""
    return say_holders([run]).get(run.pk, "")


def say_holders(runs: Iterable[TaskRun]) -> dict[int, str]:
    """By run, for those that wait for another."""
    queued = [run.pk for run in runs if run.state == RunState.QUEUED]
    if not queued:
        return {}
    said = {}
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS, [queued])
        for run, holder, state, why, due_at in cursor.fetchall():
            said[run] = f"it begins after run {holder}, which is {state}"
            if state == RunState.WAITING and due_at is not None:
                said[run] += f" until {due_at:%Y-%m-%d %H:%M:%S}: {why}"
    return said
