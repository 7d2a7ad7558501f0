"""What a run had in hand when it goes out of a worker's hands, whichever way it goes."""

from django.db import connection

# What was complete once is stale, as it was before: its data are as good as they were then.
RELEASE = """
UPDATE public.task_partitions SET state = CASE WHEN finished_at IS NULL THEN 'missing' ELSE 'stale' END
WHERE run_id = %s AND state = 'running'
"""


def release_partitions(run_id: int) -> None:
    """In the transaction that takes the run out of its worker's hands: nobody is at its partitions any more."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, [run_id])
