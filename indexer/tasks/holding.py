"""Which other run a queued one begins after: of a task that is alone one is at work, and they keep their order."""

from django.db.models import Q

from indexer.tasks.declaring import TaskError
from indexer.tasks.models import TaskRun
from indexer.tasks.registry import find
from indexer.tasks.states import RunState

FIRST = (RunState.RUNNING, RunState.WAITING)
"""The one at work, else one that is not due yet, else the first of those in the line."""


def say_holder(run: TaskRun) -> str:
    """In words; empty where it waits for nothing but a worker."""
    if run.state != RunState.QUEUED or not is_alone(run.task):
        return ""
    # As the line has it: see carrier.put.
    before = Q(state__in=[RunState.WAITING, RunState.QUEUED], job_id__lt=run.job_id, priority__gte=run.priority)
    others = TaskRun.objects.filter(before | Q(state=RunState.RUNNING), task=run.task).exclude(pk=run.pk)
    holder = min(others, key=lambda each: (*(each.state != state for state in FIRST), each.pk), default=None)
    if holder is None:
        return ""
    words = f"it begins after run {holder.pk}, which is {holder.state}"
    if holder.state == RunState.WAITING and holder.due_at is not None:
        words += f" until {holder.due_at:%Y-%m-%d %H:%M:%S}: {holder.why}"
    return words


def is_alone(task: str) -> bool:
    try:
        return find(task).alone
    except TaskError:
        return False  # its file is gone: the run will say so itself
