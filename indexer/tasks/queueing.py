"""What people and programs ask for: a run more, the end of one, another try. REST, commands and the admin all ask here.

Each is one transaction of the run's row and of its place in the line. Locks are taken in this order: run, job.
"""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from indexer.tasks.carrier import put, take_out
from indexer.tasks.declaring import Priority, TaskError
from indexer.tasks.models import Schedule, TaskRun
from indexer.tasks.params import keep_params
from indexer.tasks.registry import find
from indexer.tasks.states import ACTIVE, OVER, RunState


def enqueue(
    task_name: str,
    params: Mapping[str, Any] | None = None,
    *,
    actor: str = "",
    priority: Priority | int | None = None,
    schedule: Schedule | None = None,
    retry_of: TaskRun | None = None,
) -> TaskRun:
    """Put a run into the line; `priority`: the task's own where none is given. Raises TaskError."""
    task = find(task_name)
    kept = keep_params(task, params or {})
    with transaction.atomic():
        run = TaskRun.objects.create(
            task=task.name,
            params=kept,
            actor=actor,
            priority=task.priority if priority is None else read_priority(priority),
            schedule=schedule,
            retry_of=retry_of,
            cursor=retry_of.cursor if retry_of else None,
            done=retry_of.done if retry_of else 0,
            total=retry_of.total if retry_of else None,
            state=RunState.QUEUED,
        )
        run.job_id = put(run.pk, task.name, run.priority, None)
        run.save(update_fields=["job_id"])
    return run


def cancel(run_id: int, actor: str) -> TaskRun:
    """End a run: at once where no worker has it, else at its next sign of progress. Raises TaskError."""
    with transaction.atomic():
        run = lock(run_id)
        if run.state in OVER:
            verb = "was" if run.state == RunState.CANCELLED else "has"
            raise TaskError(f"run {run_id} of {run.task} is over: it {verb} {run.state}")
        run.cancelled_by = run.cancelled_by or actor or "somebody"
        if run.state == RunState.RUNNING:
            run.save(update_fields=["cancelled_by"])
            return run
        run.state = RunState.CANCELLED
        run.why = f"cancelled by {run.cancelled_by}"
        run.finished_at = Now()
        run.due_at = None
        run.save(update_fields=["state", "cancelled_by", "why", "finished_at", "due_at"])
        if run.job_id is not None:
            take_out(run.job_id)
    run.refresh_from_db()
    return run


def retry(run_id: int, actor: str) -> TaskRun:
    """A new run of the same task, parameters and schedule, from where that one had got to. Raises TaskError."""
    with transaction.atomic():
        run = lock(run_id)
        if run.state not in OVER:
            raise TaskError(f"run {run_id} of {run.task} is {run.state}: cancel it, or wait for its end")
        if run.state == RunState.SUCCEEDED:
            raise TaskError(f"run {run_id} of {run.task} has succeeded: start a new one")
        if (again := run.retries.filter(state__in=sorted(ACTIVE)).first()) is not None:
            raise TaskError(f"run {run_id} of {run.task} is tried again already: run {again.pk} is {again.state}")
        try:
            with transaction.atomic():
                return enqueue(
                    run.task, run.params, actor=actor, priority=run.priority, schedule=run.schedule, retry_of=run
                )
        except IntegrityError:
            raise TaskError(f"the schedule of run {run_id}, {run.schedule}, has a run in the line already") from None


def lock(run_id: int) -> TaskRun:
    """The run, which nobody else changes before the end of the transaction. Raises TaskError."""
    try:
        return TaskRun.objects.select_for_update().get(pk=run_id)
    except TaskRun.DoesNotExist:
        raise TaskError(f"there is no run {run_id}: `manage.py tasks status` shows the newest ones") from None


def read_priority(value: int) -> Priority:
    """Raises TaskError."""
    try:
        return Priority(value)
    except ValueError:
        known = ", ".join(f"{each.value} ({each.label})" for each in Priority)
        raise TaskError(f"there is no priority {value}: there are {known}") from None
