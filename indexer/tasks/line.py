"""The worker's end of the waiting line: procrastinate's, but for fetching, which keeps to what all processes may do."""

from collections.abc import Iterable

from procrastinate import App, exceptions, jobs, manager
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector
from psycopg.errors import RaiseException

FETCH = """
SELECT id, status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name, attempts, worker_id
FROM task_fetch(%(queues)s::varchar[], %(worker)s, %(most)s)
"""


class Line(manager.JobManager):
    """Gives out no more jobs at once than `most`, counted over all processes."""

    def __init__(self, connector: PsycopgConnector, most: int) -> None:
        super().__init__(connector)
        self.most = most

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> jobs.Job | None:
        row = await self.connector.execute_query_one_async(query=FETCH, queues=queues, worker=worker_id, most=self.most)
        return None if row["id"] is None else jobs.Job.from_row(row)

    async def finish_job(self, job: jobs.Job, status: jobs.Status, delete_job: bool) -> None:
        """A job whose run others have taken over meanwhile is in the line no more, and nothing is left to be done."""
        try:
            await super().finish_job(job, status, delete_job)
        except exceptions.ConnectorException as error:
            if not isinstance(error.__cause__, RaiseException):
                raise


def open_line(most: int) -> App:
    """For a worker: with connections of its own, which the caller opens and closes; one listens for new jobs."""
    connector = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=4)
    line = app.with_connector(connector)
    line.job_manager = Line(connector, most)
    return line
