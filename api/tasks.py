"""/api/v1/tasks…: scheduled work, when it runs and how it fares; its runs and partitions are in api.task_runs."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins
from rest_framework.request import Request
from rest_framework.response import Response

from api import openapi_task_examples as examples
from api.openapi import documented
from api.parameters import read_parameters
from api.problems import Fault, Problem
from api.rest import RestView
from indexer.access.scopes import WRITE_TASKS
from indexer.tasks.declaring import Priority, TaskError
from indexer.tasks.models import Schedule
from indexer.tasks.schedules import database_now
from indexer.tasks.states import Missed
from indexer.tasks.statuses import ScheduleStatus, TaskStatus, describe_schedule, read_task, read_tasks
from indexer.tasks.steering import change_schedule

LARGEST_ID = 2**63 - 1
PriorityLabel = Literal["low", "medium", "high", "immediate"]
Params = Annotated[dict[str, Any], Meta(description="the task's own, by name; each has a default")]


class TaskList(Struct):
    """Every task by name."""

    tasks: list[TaskStatus]


class ScheduleChange(Struct, forbid_unknown_fields=True):
    """What is to be otherwise; what is left out stays. Of `cron` and `every` the one that is given takes effect."""

    cron: Annotated[str, Meta(max_length=100, description="minute hour day month weekday, UTC")] | UnsetType = UNSET
    every: Annotated[float, Meta(ge=1, description="seconds")] | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
    priority: PriorityLabel | UnsetType = UNSET
    params: Params | UnsetType = UNSET
    missed: Missed | UnsetType = UNSET


class Tasks(RestView):
    @documented("listTasks", "List the tasks", tag="Tasks", answer=TaskList, example=examples.TASKS)
    def get(self, request: Request) -> Response:
        """Every task: its schedules with their next five times, its last run, and how fresh is what it keeps."""
        read_parameters(request.GET)
        return Response(TaskList(read_tasks()))


class TaskItem(RestView):
    @documented("readTask", "Read a task", tag="Tasks", answer=TaskStatus, example=examples.TASK, path=["task"])
    def get(self, request: Request, task: str) -> Response:
        """One task, as the list has it."""
        read_parameters(request.GET)
        return Response(task_or_404(task))


class TaskScheduleItem(RestView):
    write_scope = WRITE_TASKS

    @documented(
        "readTaskSchedule",
        "Read a schedule",
        tag="Tasks",
        answer=ScheduleStatus,
        example=examples.SCHEDULE,
        path=["task", "schedule"],
    )
    def get(self, request: Request, task: str, schedule: int) -> Response:
        """When a task runs, in words, and its next five times, which are none while it is paused."""
        read_parameters(request.GET)
        return Response(describe_schedule(schedule_or_404(task, schedule), database_now()))

    @documented(
        "changeTaskSchedule",
        "Change a schedule",
        tag="Tasks",
        answer=ScheduleStatus,
        example=examples.SCHEDULE,
        path=["task", "schedule"],
        body=ScheduleChange,
        bodies={"pause": {"paused": True}, "every hour": {"every": 3600.0}},
    )
    def patch(self, request: Request, task: str, schedule: int) -> Response:
        """Effective within a minute. Times that passed before the change are not made up for."""
        read_parameters(request.GET)
        found = schedule_or_404(task, schedule)
        changes = read_changes(self.read_json(request, ScheduleChange))
        try:
            changed = change_schedule(found.pk, changes, self.caller.name)
        except ValidationError as error:
            raise refuse_fields(error) from None
        return Response(describe_schedule(changed, database_now()))


def task_or_404(name: str) -> TaskStatus:
    try:
        return read_task(name)
    except TaskError as error:
        raise Problem(HTTPStatus.NOT_FOUND, f"{error}.") from None


def schedule_or_404(task: str, number: int) -> Schedule:
    found = Schedule.objects.filter(task=task, pk=number).first() if number <= LARGEST_ID and "\0" not in task else None
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"The task has no schedule {number}; /api/v1/tasks lists those there are.")
    return found


def read_changes(change: ScheduleChange) -> dict[str, Any]:
    """Fields of the model with their new values. Raises Problem where there are none, or too many."""
    changes = {name: value for name, value in to_builtins(change).items() if value is not UNSET}
    if not changes:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The body names nothing that is to be changed.")
    if {"cron", "every"} <= changes.keys():
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "A schedule has either cron or every: leave one of them out.")
    if "cron" in changes:
        changes["every"] = None
    elif "every" in changes:
        changes["cron"] = ""
    if "priority" in changes:
        changes["priority"] = Priority[changes["priority"].upper()]
    return changes


def refuse_fields(error: ValidationError) -> Problem:
    """422, with what is wrong by field."""
    faults = [
        Fault(f"{' '.join(texts)}.".replace("..", "."), pointer=f"#/{name}")
        for name, texts in error.message_dict.items()
    ]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"Refused, and nothing was changed: {faults[0].detail}", faults)
