"""The waiting line: every run is carried by the same one of procrastinate's jobs, which names the run and nothing else.

People never see these. A run knows its job by `job_id`; a job that its run does not know any more does nothing.
"""

from datetime import datetime

from procrastinate import JobContext
from procrastinate.contrib.django import app

from indexer.tasks.declaring import TaskError
from indexer.tasks.registry import find

NAME = "footprint.run"
QUEUE = "footprint"


@app.task(name=NAME, queue=QUEUE, pass_context=True)
def carry(context: JobContext, run_id: int) -> None:
    """In a worker, in a thread of its own."""
    from indexer.tasks.running import execute  # only a worker needs it

    execute(run_id, context.job.id or 0, context.additional_context["place"])


def put(run_id: int, name: str, priority: int, due_at: datetime | None) -> int:
    """Put a job for the run into the line, in the caller's transaction; its id.

    Of runs of one `alone` task the line gives out one at a time, and none behind one that is not due yet, unless its
    priority is higher; other tasks have other locks, and go on.
    """
    lock = f"task:{name}" if is_alone(name) else None
    configured = app.configure_task(NAME, queue=QUEUE, priority=priority, lock=lock, schedule_at=due_at)
    return configured.defer(run_id=run_id)


def is_alone(name: str) -> bool:
    """One that this process cannot read may be: then it is taken for one."""
    try:
        return find(name).alone
    except TaskError:
        return True


def take_out(job_id: int) -> None:
    """A job that nobody has fetched leaves the line, in the caller's transaction."""
    app.job_manager.cancel_job_by_id(job_id, delete_job=True)
