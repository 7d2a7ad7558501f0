"""What people do to tasks: each is asked for here, by whatever surface, and stands in the audit with who asked."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction

from indexer.access.audit import recorded
from indexer.tasks import queueing
from indexer.tasks.declaring import Priority, TaskError
from indexer.tasks.models import Partition, Schedule, TaskRun
from indexer.tasks.registry import find
from indexer.tasks.schedules import make_defaults
from indexer.tasks.states import ACTIVE, PartitionState, RunState


def run_task(name: str, params: Mapping[str, Any], actor: str, priority: Priority | None = None) -> TaskRun:
    """Put a run into the line. Raises TaskError."""
    find(name)
    with recorded(actor, "run task", target=name) as recording:
        run = queueing.enqueue(name, params, actor=actor, priority=priority)
        recording.outcome = f"run {run.pk}"
    return run


def backfill(
    name: str,
    first: date | None,
    last: date | None,
    params: Mapping[str, Any],
    actor: str,
    priority: Priority | None = None,
) -> TaskRun:
    """A run that completes the task's partitions for these days; None: all that there is. Raises TaskError."""
    if find(name).partitions is None:
        raise TaskError(f"{name} has no partitions, so there is nothing to fill up: `tasks run {name}` runs it")
    days = {"first": first, "last": last}
    given = {side: day.isoformat() for side, day in days.items() if day is not None}
    return run_task(name, {**params, **given}, actor, priority)


def resume_failed(name: str, actor: str) -> TaskRun:
    """Another try of the run that has left something failed, or the newest one if it has not succeeded; of all that
    the task has where there is no such run.

    Raises TaskError.
    """
    runs = TaskRun.objects.filter(task=name).order_by("-id")
    if (active := runs.filter(state__in=sorted(ACTIVE)).first()) is not None:
        raise TaskError(f"run {active.pk} of {name} is {active.state}: resume what has failed once that is over")
    failed = Partition.objects.filter(task=name, state=PartitionState.FAILED)
    for run in (runs.filter(pk__in=failed.values("run")).first(), runs.first()):
        if run is not None and run.state != RunState.SUCCEEDED:
            return retry_run(run.pk, actor)
    return backfill(name, None, None, {}, actor)


def cancel_run(run_id: int, actor: str) -> TaskRun:
    """Raises TaskError."""
    with recorded(actor, "cancel run", target=f"run {run_id}") as recording:
        run = queueing.cancel(run_id, actor)
        recording.outcome = f"{run.task}: {run.state}"
    return run


def retry_run(run_id: int, actor: str) -> TaskRun:
    """The new run, which goes on where that one had got to. Raises TaskError."""
    with recorded(actor, "retry run", target=f"run {run_id}") as recording:
        run = queueing.retry(run_id, actor)
        recording.outcome = f"{run.task}: run {run.pk}"
    return run


def set_paused(name: str, actor: str, *, paused: bool) -> list[Schedule]:
    """Pause all schedules of the task of that name, or else that schedule, or let them go on. Raises TaskError."""
    make_defaults()  # of a task that no worker has known yet
    schedules = list(Schedule.objects.filter(task=name) or Schedule.objects.filter(name=name))
    if not schedules:
        find(name)
        raise TaskError(f"{name} has no schedule: it runs when somebody asks for it")
    return [change_schedule(schedule.pk, {"paused": paused}, actor) for schedule in schedules]


def change_schedule(schedule_id: int, changes: Mapping[str, Any], actor: str) -> Schedule:
    """Give fields of it new values, once they are checked with the others. Raises ValidationError by field.

    Effective within a minute: where it is to run at other times, its next one is worked out again.
    """
    said = ", ".join(f"{name}={value}" for name, value in changes.items())
    with recorded(actor, "change schedule", target=f"schedule {schedule_id}") as recording, transaction.atomic():
        schedule = Schedule.objects.select_for_update().get(pk=schedule_id)
        before = {name: getattr(schedule, name) for name in changes}
        for name, value in changes.items():
            setattr(schedule, name, value)
        if set(changes) != {"paused"}:
            # What cannot run, because its task is gone or has changed, can be paused all the same.
            schedule.full_clean()
        schedule.save(update_fields=[name for name, value in before.items() if value != getattr(schedule, name)])
        recording.outcome = f"{schedule.name}: {said}"
    return schedule
