"""Tasks, runs and partitions as tables and lines for people at a terminal. Pure: statuses in, lines out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from indexer.chains.columns import justify
from indexer.chains.durations import UNKNOWN, show_brief, show_duration
from indexer.tasks.freshness import Freshness
from indexer.tasks.progress import show_progress
from indexer.tasks.states import PartitionState, RunState
from indexer.tasks.statuses import LogLine, PartitionStatus, TaskRunStatus, TaskStatus

TASK_HEADINGS = ("TASK", "SCHEDULE", "NEXT", "LAST RUN", "STATE", "TOOK", "FRESH")
RUN_HEADINGS = ("RUN", "TASK", "STATE", "QUEUED", "TOOK", "ATTEMPT", "PRIORITY", "WORDS")
PARTITION_HEADINGS = ("PARTITION", "STATE", "DAYS", "RECORDS", "ATTEMPTS", "WORDS")


def lay_out(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Aligned columns under their headings."""
    return ["  ".join(cells).rstrip() for cells in justify([headings, *rows])]


def list_tasks(found: Iterable[TaskStatus]) -> list[str]:
    return lay_out(TASK_HEADINGS, [row_of_task(task) for task in found])


def row_of_task(task: TaskStatus) -> tuple[str, ...]:
    if task.trouble:
        return (task.name, task.trouble, *[""] * (len(TASK_HEADINGS) - 2))
    last = task.last_run
    times = sorted(moment for schedule in task.schedules for moment in schedule.next_five[:1])
    return (
        task.name,
        "; ".join(schedule.words + (" (paused)" if schedule.paused else "") for schedule in task.schedules)
        or "on demand",
        show_time(times[0]) if times else UNKNOWN,
        f"run {last.id}, {show_time(last.queued_at)}" if last else "never",
        last.state.value if last else UNKNOWN,
        show_brief(last.seconds) if last else UNKNOWN,
        show_freshness(task.freshness),
    )


def show_freshness(freshness: Freshness | None) -> str:
    if freshness is None or freshness.trouble:  # which is told before
        return UNKNOWN
    if freshness.age is None:
        return "never yet"
    said = f"{show_duration(freshness.age)} old"
    return f"{said}, stale: promised {show_duration(freshness.promised)}" if freshness.stale else said


def list_runs(runs: Iterable[TaskRunStatus]) -> list[str]:
    return lay_out(RUN_HEADINGS, [row_of_run(run) for run in runs])


def row_of_run(run: TaskRunStatus) -> tuple[str, ...]:
    return (
        str(run.id),
        run.task,
        run.state.value,
        show_time(run.queued_at),
        show_brief(run.seconds),
        str(run.attempt),
        run.priority,
        say_run(run),
    )


def say_run(run: TaskRunStatus) -> str:
    """What there is to say of a run in its state, in a line."""
    if run.state is RunState.SUCCEEDED:
        return show_records(run)
    if run.state is RunState.RUNNING:
        wanted = f"{run.cancelled_by} wants it ended" if run.cancelled_by else ""
        return "; ".join(filter(None, [show_progress(run.progress), wanted, run.why]))
    words = [run.why, run.error.partition("\n")[0]]
    if run.state is RunState.WAITING and run.due_at:
        words.append(f"until {show_time(run.due_at)}")
    return "; ".join(dict.fromkeys(filter(None, words)))


def show_records(run: TaskRunStatus) -> str:
    """Those that there are: "8,248 created, 3 rejected"; without any, a success had nothing to do, and of any other run
    there is nothing to say."""
    counts = [(name, getattr(run.records, name)) for name in run.records.__struct_fields__]
    none = "nothing to do" if run.state is RunState.SUCCEEDED else ""
    return ", ".join(f"{count:,} {name}" for name, count in counts if count) or none


def describe_run(run: TaskRunStatus, traceback: str, lines: Iterable[LogLine]) -> list[str]:
    """All that is known of one run."""
    facts = {
        "state": f"{run.state.value}{f': {say_run(run)}' if say_run(run) else ''}",
        "parameters": ", ".join(f"{name}={value}" for name, value in run.params.items()),
        "asked for by": run.actor or (f"schedule {run.schedule}" if run.schedule else ""),
        "retries": f"run {run.retry_of}" if run.retry_of else "",
        "priority": run.priority,
        "attempt": f"{run.attempt}" + (f", taken over {run.takeovers} times" if run.takeovers else ""),
        "worker": run.worker,
        "queued": show_time(run.queued_at),
        "started": show_time(run.started_at) if run.started_at else "",
        "took": show_brief(run.seconds) if run.started_at else "",
        "progress": show_progress(run.progress),
        "records": show_records(run),
    }
    return [
        f"run {run.id} of {run.task}",
        *(f"  {name:<12}  {value}" for name, value in facts.items() if value),
        *(f"{line.at:%Y-%m-%d %H:%M:%S} {line.level} {line.text}" for line in lines),
        *(traceback or run.error).splitlines(),
    ]


def describe_task(task: TaskStatus) -> list[str]:
    """A task with its schedules; what it has run stands in the table of its runs."""
    lines = [f"{task.name}: {task.trouble or task.words}"]
    if task.params:
        lines.append("  parameters    " + ", ".join(f"{name} ({kind})" for name, kind in task.params.items()))
    for schedule in task.schedules:
        state = "paused" if schedule.paused else ", ".join(map(show_time, schedule.next_five))
        lines.append(f"  {schedule.name:<12}  {schedule.words}; {state}")
        if schedule.note:
            lines.append(f"  {'':<12}  {schedule.note}")
    if task.freshness:
        lines.append(f"  fresh         {show_freshness(task.freshness)}")
    return lines


def list_partitions(counts: Mapping[PartitionState, int], partitions: Iterable[PartitionStatus]) -> list[str]:
    summary = ", ".join(f"{count:,} {state.value}" for state, count in counts.items() if count)
    rows = [
        (
            each.key,
            each.state.value,
            f"{each.first or 'the beginning'} to {each.last or 'now'}" if each.finished_at else UNKNOWN,
            f"{each.records:,}",
            str(each.attempts),
            each.error.partition("\n")[0],
        )
        for each in partitions
    ]
    return [summary or "no partition yet", *(lay_out(PARTITION_HEADINGS, rows) if rows else ())]


def show_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
