from django.db import connection

from indexer.tasks.declaring import Counts, Run, task
from indexer.tasks.models import TaskRun

KEPT = "90 days"
KEPT_JOBS = "1 day"
AT_ONCE = 1_000

# The newest success of each task stays, however old: freshness is told by it.
RUNS = f"""
SELECT run.id FROM public.task_runs AS run
WHERE run.finished_at < now() - interval '{KEPT}' AND run.id NOT IN (
    SELECT max(id) FROM public.task_runs WHERE state = 'succeeded' GROUP BY task
)
ORDER BY run.finished_at LIMIT {AT_ONCE}
"""
# What a worker could not take out of the line itself.
JOBS = f"""
DELETE FROM public.procrastinate_jobs AS job
WHERE job.status NOT IN ('todo', 'doing') AND NOT EXISTS (
    SELECT FROM public.procrastinate_events AS event
    WHERE event.job_id = job.id AND event.at > now() - interval '{KEPT_JOBS}'
)
"""


@task(cron="30 0 * * *")
def prune_runs(run: Run) -> Counts:
    """Runs that were over 90 days ago are forgotten, with their log lines."""
    forgotten = 0
    with connection.cursor() as cursor:
        while True:
            run.progress(forgotten)
            cursor.execute(RUNS)
            if not (old := [run_id for (run_id,) in cursor.fetchall()]):
                break
            TaskRun.objects.filter(pk__in=old).delete()
            forgotten += len(old)
        cursor.execute(JOBS)
    return Counts(vanished=forgotten)
