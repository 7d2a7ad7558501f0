"""/api/v1/tasks/{task}/runs… and /partitions: what runs and has run, and what is done of a backfill."""

from collections.abc import Callable
from datetime import date
from http import HTTPStatus

from django import forms
from msgspec import UNSET, Struct, UnsetType, field
from rest_framework.request import Request
from rest_framework.response import Response

from api import openapi_task_examples as examples
from api.access import may
from api.openapi import documented
from api.parameters import Choice, Cursor, PageForm, next_page, read_parameters
from api.problems import Problem
from api.rest import RestView, refused
from api.tasks import LARGEST_ID, Params, PriorityLabel, task_or_404
from indexer.access.scopes import READ_LOGS, WRITE_TASKS
from indexer.tasks.declaring import Priority, TaskError
from indexer.tasks.models import TaskRun
from indexer.tasks.states import PartitionState, RunState
from indexer.tasks.statuses import (
    LogLine,
    PartitionStatus,
    TaskRunStatus,
    count_partitions,
    read_lines,
    read_partitions,
    read_run,
    read_runs,
)
from indexer.tasks.steering import backfill, cancel_run, retry_run, run_task


class RunForm(forms.Form):
    state = Choice(choices=tuple(RunState), help_text="only runs in this state")


class RunPage(PageForm):
    cursor = Cursor(pattern="[0-9]{1,18}")


class PartitionForm(forms.Form):
    state = Choice(choices=tuple(PartitionState), help_text="only partitions in this state")


class PartitionPage(PageForm):
    cursor = Cursor(pattern=r"[^\x00]{1,200}")


class TaskRunList(Struct):
    """Runs, the newest first; `next` leads to the page behind this one, null on the last."""

    runs: list[TaskRunStatus]
    next: str | None


class TaskRunDetail(Struct):
    """A run with the traceback of its last failure, and the newest lines of its log, oldest first.

    How a run came out, its error in words included, is everybody's to read. What goes on inside is not: traceback and
    lines are null for who has neither a key nor a login.
    """

    run: TaskRunStatus
    traceback: str | None
    lines: list[LogLine] | None


class PartitionList(Struct):
    """How many partitions are in each state, and those asked for, by key; `next` leads to the page behind."""

    counts: dict[PartitionState, int]
    partitions: list[PartitionStatus]
    next: str | None


class NewRun(Struct, forbid_unknown_fields=True):
    """What to run the task with; its own defaults where nothing is said."""

    params: Params = {}
    priority: PriorityLabel | UnsetType = UNSET


class Backfill(Struct, forbid_unknown_fields=True):
    """The days that every partition is to be complete for; all that there is where none are said."""

    first: date | None = field(name="from", default=None)
    last: date | None = field(name="to", default=None)
    params: Params = {}
    priority: PriorityLabel | UnsetType = UNSET


class TaskRuns(RestView):
    write_scope = WRITE_TASKS

    @documented(
        "listTaskRuns",
        "List a task's runs",
        tag="Tasks",
        answer=TaskRunList,
        example=examples.RUNS,
        path=["task"],
        parameters=[RunForm, RunPage],
    )
    def get(self, request: Request, task: str) -> Response:
        """The newest first, those that are in the line or at work as well."""
        asked = read_parameters(request.GET, RunForm, RunPage)
        limit, states = asked["limit"], [RunState(asked["state"])] if asked["state"] else []
        before = int(asked["cursor"]) if asked["cursor"] else None
        runs = read_runs(task=task_or_404(task).name, states=states, before=before, limit=limit + 1)
        following = next_page(request.path, request.GET, str(runs[limit - 1].id)) if len(runs) > limit else None
        return Response(TaskRunList(runs[:limit], following))

    @documented(
        "runTask",
        "Run a task",
        tag="Tasks",
        answer=TaskRunStatus,
        example=examples.RUN,
        answers={201: "It is in the line."},
        path=["task"],
        body=NewRun,
        bodies={"as its schedule does": {}, "with a parameter": examples.NEW_RUN},
        more_problems=["409"],
    )
    def post(self, request: Request, task: str) -> Response:
        """Put a run into the line; a worker takes it up by its priority. Asked twice it runs twice."""
        read_parameters(request.GET)
        name = task_or_404(task).name
        new = self.read_json(request, NewRun)
        try:
            run = run_task(name, new.params, self.caller.name, priority_of(new.priority))
        except TaskError as error:
            raise refused([str(error)]) from None
        return Response(read_run(run.pk), status=HTTPStatus.CREATED)


class TaskBackfill(RestView):
    write_scope = WRITE_TASKS

    @documented(
        "backfillTask",
        "Fill a task's partitions up",
        tag="Tasks",
        answer=TaskRunStatus,
        example=examples.BACKFILL_RUN,
        answers={201: "It is in the line."},
        path=["task"],
        body=Backfill,
        bodies={"a month": examples.BACKFILL},
        more_problems=["409"],
    )
    def post(self, request: Request, task: str) -> Response:
        """Put a run into the line that does what is missing, has failed or is stale; what is complete stays."""
        read_parameters(request.GET)
        name = task_or_404(task).name
        asked = self.read_json(request, Backfill)
        require_partitions(name, HTTPStatus.CONFLICT)
        try:
            run = backfill(name, asked.first, asked.last, asked.params, self.caller.name, priority_of(asked.priority))
        except TaskError as error:
            raise refused([str(error)]) from None
        return Response(read_run(run.pk), status=HTTPStatus.CREATED)


class TaskRunItem(RestView):
    @documented(
        "readTaskRun",
        "Read a run",
        tag="Tasks",
        answer=TaskRunDetail,
        example=examples.RUN_DETAIL,
        path=["task", "run"],
    )
    def get(self, request: Request, task: str, run: int) -> Response:
        """How it gets on or has ended; with its log for whoever has a key or a login."""
        read_parameters(request.GET)
        found = run_or_404(task, run)
        if not may(request._request, self.caller, READ_LOGS):
            return Response(TaskRunDetail(found, None, None))
        traceback = TaskRun.objects.values_list("traceback", flat=True).get(pk=run)
        return Response(TaskRunDetail(found, traceback, read_lines(run)))


class TaskRunCancel(RestView):
    write_scope = WRITE_TASKS

    @documented(
        "cancelTaskRun",
        "Cancel a run",
        tag="Tasks",
        answer=TaskRunStatus,
        example=examples.RUN,
        path=["task", "run"],
        more_problems=["409"],
    )
    def post(self, request: Request, task: str, run: int) -> Response:
        """At once where it is in the line; one that is at work ends at its next sign of progress, and says until then
        who wants it ended. What it has stored stays.
        """
        read_parameters(request.GET)
        return self.steer(cancel_run, task, run)

    def steer(self, does: Callable[[int, str], TaskRun], task: str, run: int) -> Response:
        """The run that comes of it."""
        run_or_404(task, run)
        try:
            done = does(run, self.caller.name)
        except TaskError as error:
            raise Problem(HTTPStatus.CONFLICT, f"Nothing was changed: {error}.") from None
        status = HTTPStatus.OK if done.pk == run else HTTPStatus.CREATED
        return Response(read_run(done.pk), status=status)


class TaskRunRetry(TaskRunCancel):
    @documented(
        "retryTaskRun",
        "Try a run again",
        tag="Tasks",
        answer=TaskRunStatus,
        example=examples.RUN,
        answers={201: "The new run is in the line."},
        path=["task", "run"],
        more_problems=["409"],
    )
    def post(self, request: Request, task: str, run: int) -> Response:
        """A new run with the same parameters, which goes on where the one that failed or was cancelled had got to."""
        read_parameters(request.GET)
        return self.steer(retry_run, task, run)


class TaskPartitions(RestView):
    @documented(
        "listTaskPartitions",
        "List a task's partitions",
        tag="Tasks",
        answer=PartitionList,
        example=examples.PARTITIONS,
        path=["task"],
        parameters=[PartitionForm, PartitionPage],
    )
    def get(self, request: Request, task: str) -> Response:
        """The grid of a backfill: which pieces of it are complete, and what is wrong with the others."""
        asked = read_parameters(request.GET, PartitionForm, PartitionPage)
        limit, states = asked["limit"], [PartitionState(asked["state"])] if asked["state"] else []
        require_partitions(task, HTTPStatus.NOT_FOUND)
        found = read_partitions(task, states=states, after=asked["cursor"] or "", limit=limit + 1)
        following = next_page(request.path, request.GET, found[limit - 1].key) if len(found) > limit else None
        return Response(PartitionList(count_partitions(task), found[:limit], following))


def run_or_404(task: str, number: int) -> TaskRunStatus:
    """A run of a task, which may be declared no more."""
    try:
        found = read_run(number) if number <= LARGEST_ID else None
    except TaskError:
        found = None
    if found is None or found.task != task:
        raise Problem(HTTPStatus.NOT_FOUND, f"The task has no run {number}; runs are forgotten after some months.")
    return found


def require_partitions(task: str, status: HTTPStatus) -> None:
    """Raises Problem where the task is not there, or is done as a whole."""
    if not task_or_404(task).partitioned:
        raise Problem(status, f"{task} has no partitions: it is done as a whole.")


def priority_of(label: PriorityLabel | UnsetType) -> Priority | None:
    return None if label is UNSET else Priority[label.upper()]
