"""What is to be told of tasks, their schedules, runs and partitions, at the database's own time.

The command, the API, the admin, /health/ready and the metrics all read it here, so that they never contradict each
other.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count
from msgspec import Struct

from indexer.chains.durations import show_brief
from indexer.tasks.cron import explain, next_five
from indexer.tasks.declaring import Counts, NoSuchTask, Priority, Task, TaskError
from indexer.tasks.freshness import Freshness, judge_freshness, read_newest
from indexer.tasks.holding import say_holder, say_holders
from indexer.tasks.models import Partition, Schedule, TaskLine, TaskRun
from indexer.tasks.progress import Progress, measure
from indexer.tasks.registry import broken, find, tasks
from indexer.tasks.schedules import database_now
from indexer.tasks.states import Missed, PartitionState, RunState
from indexer.tasks.takeovers import SILENT
from indexer.workers.lines import KEPT
from indexer.workers.states import State
from indexer.workers.statuses import read_statuses

WORKER = "tasks"
"""The background worker that runs tasks."""
NOT_WORKING = frozenset({State.CRASHED, State.STOPPED, State.STOPPED_BY_FLAG, State.MISCONFIGURED})

# A few steps into the index task_runs_of: of one task, from its newest run back.
NEWEST = """
SELECT asked.task, newest.id, good.id
  FROM unnest(%s::text[]) AS asked (task)
  LEFT JOIN LATERAL (SELECT id FROM task_runs WHERE task = asked.task ORDER BY id DESC LIMIT 1) newest ON true
  LEFT JOIN LATERAL (
       SELECT id FROM task_runs WHERE task = asked.task AND state = 'succeeded' ORDER BY id DESC LIMIT 1) good ON true
"""


class Records(Struct, frozen=True):
    """Records that a run has created, changed, seen unchanged, missed from what was there, and rejected."""

    created: int
    changed: int
    unchanged: int
    vanished: int
    rejected: int


class TaskRunStatus(Struct, frozen=True):
    """A run as it is now; null where something has not come to pass.

    `actor` is who wanted it, empty for its schedule; `seconds` how long it has taken, or is at it, with all its
    attempts; `cancelled_by` who wants it ended. Times are of the database.
    """

    id: int
    task: str
    state: RunState
    why: str
    params: dict[str, Any]
    priority: str
    actor: str
    schedule: str | None
    retry_of: int | None
    attempt: int
    takeovers: int
    worker: str
    queued_at: datetime
    due_at: datetime | None
    started_at: datetime | None
    beat_at: datetime | None
    finished_at: datetime | None
    seconds: float | None
    progress: Progress
    records: Records
    cancelled_by: str
    error: str


class LogLine(Struct, frozen=True):
    """A line that a run has logged."""

    at: datetime
    level: str
    text: str


class ScheduleStatus(Struct, frozen=True):
    """When a task runs: `words` say it, or what is wrong with it; `next_five` is empty while it is paused.

    `note`: what became of times that were missed.
    """

    id: int
    name: str
    task: str
    cron: str
    every: float | None
    words: str
    params: dict[str, Any]
    priority: str
    missed: Missed
    paused: bool
    last_at: datetime | None
    next_five: list[datetime]
    note: str


class TaskStatus(Struct, frozen=True):
    """A task: its declaration, its schedules, and how it has fared.

    `params` are its parameters with their types; `trouble` is why it cannot run, empty where it can; `freshness` is
    null where it promises none.
    """

    name: str
    words: str
    params: dict[str, str]
    priority: str
    attempts: int
    time_limit: float
    budgets: list[str]
    partitioned: bool
    trouble: str
    schedules: list[ScheduleStatus]
    last_run: TaskRunStatus | None
    last_success: TaskRunStatus | None
    freshness: Freshness | None


class PartitionStatus(Struct, frozen=True):
    """A piece of a backfill; `first` and `last` are the days it was done for, null: all that there is."""

    key: str
    state: PartitionState
    first: str | None
    last: str | None
    run: int | None
    attempts: int
    records: int
    finished_at: datetime | None
    error: str


def read_tasks() -> list[TaskStatus]:
    """Every task by name, those that cannot run as well, and what is a task only by the word of a schedule."""
    schedules = read_schedules()
    return read_some(sorted({*tasks(), *(each.name for each in broken()), *schedules}), schedules)


def read_task(name: str) -> TaskStatus:
    """Raises NoSuchTask, with near names."""
    schedules = read_schedules()
    if name not in schedules:
        look_up(name)
    return read_some([name], schedules)[0]


def read_schedules() -> dict[str, list[Schedule]]:
    """All that there are, by task: some dozens."""
    found: dict[str, list[Schedule]] = {}
    for schedule in Schedule.objects.all():
        found.setdefault(schedule.task, []).append(schedule)
    return found


def read_some(names: Sequence[str], schedules: Mapping[str, Sequence[Schedule]]) -> list[TaskStatus]:
    fresh, now = read_newest(names)
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, [list(names)])
        newest = {task: (last, good) for task, last, good in cursor.fetchall()}
    wanted = {run for pair in newest.values() for run in pair if run is not None}
    runs = {run.pk: run for run in TaskRun.objects.filter(pk__in=wanted).select_related("schedule")}
    holders = say_holders(runs.values())
    found = []
    for name in names:
        last, good = (
            describe_run(runs[run], now, holders.get(run, "")) if run is not None else None for run in newest[name]
        )
        found.append(describe_task(name, schedules.get(name, ()), last, good, fresh[name], now))
    return found


def describe_task(
    name: str,
    schedules: Iterable[Schedule],
    last: TaskRunStatus | None,
    good: TaskRunStatus | None,
    fresh: datetime | None,
    now: datetime,
) -> TaskStatus:
    try:
        task, trouble = look_up(name)
    except NoSuchTask as error:
        task, trouble = None, str(error)
    return TaskStatus(
        name=name,
        words=task.words if task else "",
        params={each: show_type(kind) for each, kind in task.types.items()} if task else {},
        priority=task.priority.label if task else "",
        attempts=task.retry.attempts if task else 0,
        time_limit=task.time_limit if task else 0,
        budgets=list(task.budgets) if task else [],
        partitioned=task is not None and task.partitions is not None,
        trouble=trouble,
        schedules=[describe_schedule(schedule, now) for schedule in schedules],
        last_run=last,
        last_success=good,
        freshness=judge_freshness(name, fresh, now),
    )


def look_up(name: str) -> tuple[Task | None, str]:
    """The task, or why its file is none. Raises NoSuchTask, with near names."""
    try:
        return find(name), ""
    except NoSuchTask:
        raise
    except TaskError as error:
        return None, str(error)


def show_type(kind: Any) -> str:
    kind = getattr(kind, "__origin__", kind) if hasattr(kind, "__metadata__") else kind  # without its bounds
    return kind.__name__ if isinstance(kind, type) else str(kind)


def describe_schedule(schedule: Schedule, now: datetime) -> ScheduleStatus:
    try:
        words = explain(schedule.when)
        times = [] if schedule.paused else list_times(schedule, now)
    except TaskError as error:
        words, times = str(error), []
    return ScheduleStatus(
        id=schedule.pk,
        name=schedule.name,
        task=schedule.task,
        cron=schedule.cron,
        every=schedule.every,
        words=words,
        params=schedule.params,
        priority=Priority(schedule.priority).label,
        missed=Missed(schedule.missed),
        paused=schedule.paused,
        last_at=schedule.last_at,
        next_five=times,
        note=schedule.note,
    )


def list_times(schedule: Schedule, now: datetime) -> list[datetime]:
    """The next five: what has been worked out comes first, for an interval counts from there. Raises TaskError."""
    planned = schedule.next_at
    if planned is None or planned < now:
        return next_five(schedule.when, now)
    return [planned, *next_five(schedule.when, planned)][:5]


def describe_run(run: TaskRun, now: datetime, holder: str = "") -> TaskRunStatus:
    """`run` with its schedule, which is asked for otherwise; `holder`: which other run it begins after, in words."""
    until = run.finished_at or now
    at_it = run.beat_at or until
    return TaskRunStatus(
        id=run.pk,
        task=run.task,
        state=RunState(run.state),
        why="; ".join(filter(None, [run.why, holder, say_silence(run, now)])),
        params=run.params,
        priority=Priority(run.priority).label,
        actor=run.actor,
        schedule=run.schedule.name if run.schedule else None,
        retry_of=run.retry_of_id,
        attempt=run.attempt,
        takeovers=run.takeovers,
        worker=run.worker,
        queued_at=run.queued_at,
        due_at=run.due_at,
        started_at=run.started_at,
        beat_at=run.beat_at,
        finished_at=run.finished_at,
        seconds=(until - run.started_at).total_seconds() if run.started_at else None,
        progress=measure(
            run.done,
            run.total,
            (at_it - run.attempt_at).total_seconds() if run.attempt_at else 0.0,
            run.done_before,
        ),
        records=Records(*(getattr(run, name) for name in Counts._fields)),
        cancelled_by=run.cancelled_by,
        error=run.error,
    )


def say_silence(run: TaskRun, now: datetime) -> str:
    """Of one whose worker has vanished, until another one takes it over, which takes one that is there; else empty."""
    if run.state != RunState.RUNNING or run.beat_at is None:
        return ""
    silence = (now - run.beat_at).total_seconds()
    return f"its worker has been silent for {show_brief(silence)}" if silence > SILENT else ""


def read_run(run_id: int) -> TaskRunStatus:
    """Raises TaskError."""
    run = TaskRun.objects.select_related("schedule").filter(pk=run_id).first()
    if run is None:
        raise TaskError(f"there is no run {run_id}: `manage.py tasks status` shows the newest ones")
    return describe_run(run, database_now(), say_holder(run))


def read_runs(
    *, task: str | None = None, states: Iterable[RunState] = (), before: int | None = None, limit: int
) -> list[TaskRunStatus]:
    """The newest runs first; `before`: only those with a smaller id, which is the page behind."""
    wanted = TaskRun.objects.select_related("schedule").order_by("-id")
    if task is not None:
        wanted = wanted.filter(task=task)
    if states := list(states):
        wanted = wanted.filter(state__in=states)
    if before is not None:
        wanted = wanted.filter(pk__lt=before)
    now, runs = database_now(), list(wanted[:limit])
    holders = say_holders(runs)
    return [describe_run(run, now, holders.get(run.pk, "")) for run in runs]


def read_lines(run_id: int, limit: int = KEPT) -> list[LogLine]:
    """The newest lines of a run's log, oldest first."""
    newest = TaskLine.objects.filter(run=run_id).order_by("-id")[:limit]
    return [LogLine(line.at, line.level, line.text) for line in reversed(newest)]


def read_partitions(
    task: str, *, states: Iterable[PartitionState] = (), after: str = "", limit: int
) -> list[PartitionStatus]:
    """By key; `after`: only those behind it."""
    wanted = Partition.objects.filter(task=task, key__gt=after).order_by("key")
    if states := list(states):
        wanted = wanted.filter(state__in=states)
    return [describe_partition(each) for each in wanted[:limit]]


def describe_partition(each: Partition) -> PartitionStatus:
    return PartitionStatus(
        key=each.key,
        state=PartitionState(each.state),
        first=each.first.isoformat() if each.first else None,
        last=each.last.isoformat() if each.last else None,
        run=each.run_id,
        attempts=each.attempts,
        records=each.records,
        finished_at=each.finished_at,
        error=each.error,
    )


def count_partitions(task: str) -> dict[PartitionState, int]:
    """How many there are in each state, those without any as well."""
    rows = Partition.objects.filter(task=task).values_list("state").annotate(Count("pk")).order_by()
    return dict.fromkeys(PartitionState, 0) | {PartitionState(state): count for state, count in rows}


def is_anybody_working() -> bool:
    """Whether a worker is there that takes runs from the line."""
    with connection.cursor() as cursor:
        return any(status.kind == WORKER and status.state not in NOT_WORKING for status in read_statuses(cursor))
