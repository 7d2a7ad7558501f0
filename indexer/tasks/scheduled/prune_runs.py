from django.db import connection

from indexer.tasks.declaring import Counts, Run, task
from indexer.tasks.freshness import IS_WHOLE
from indexer.tasks.live import KEEP_DAYS, KEEP_JOB_HOURS
from indexer.tasks.models import TaskRun
from indexer.workers.live_values import read_values

AT_ONCE = 1_000

# The newest success of each task stays, however old, and the newest of all that it keeps: freshness is told by it.
RUNS = f"""
SELECT run.id FROM public.task_runs AS run
WHERE run.finished_at < now() - make_interval(days => %(days)s) AND run.id NOT IN (
    SELECT max(id) FROM public.task_runs WHERE state = 'succeeded' GROUP BY task
    UNION SELECT max(run.id) FROM public.task_runs AS run WHERE {IS_WHOLE} GROUP BY run.task
)
ORDER BY run.finished_at LIMIT %(at_once)s
"""
# What a worker could not take out of the line itself.
JOBS = """
DELETE FROM public.procrastinate_jobs AS job
WHERE job.status NOT IN ('todo', 'doing') AND NOT EXISTS (
    SELECT FROM public.procrastinate_events AS event
    WHERE event.job_id = job.id AND event.at > now() - make_interval(hours => %(hours)s)
)
"""


@task(cron="30 0 * * *")
def prune_runs(run: Run) -> Counts:
    """Runs that were over longer ago than the live setting tasks.keep_days says are forgotten, with their log lines."""
    values = read_values()
    days, hours = int(values.number(KEEP_DAYS)), int(values.number(KEEP_JOB_HOURS))
    forgotten = 0
    with connection.cursor() as cursor:
        while True:
            run.progress(forgotten)
            cursor.execute(RUNS, {"days": days, "at_once": AT_ONCE})
            if not (old := [run_id for (run_id,) in cursor.fetchall()]):
                break
            TaskRun.objects.filter(pk__in=old).delete()
            forgotten += len(old)
        cursor.execute(JOBS, {"hours": hours})
    return Counts(vanished=forgotten)
