"""What Prometheus is shown of tasks: how their runs have fared, what waits, and what the APIs they ask allow.

Every web server shows the same rows: take the maximum, not the sum.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric

from indexer.tasks.declaring import Priority
from indexer.tasks.states import PartitionState, RunState
from indexer.tasks.statuses import TaskStatus
from indexer.workers.live_values import Cursor

# One reading of each small table; runs are those that retention has left.
RUNS = "SELECT task, state, count(*) FROM task_runs GROUP BY task, state"
QUEUED = """
SELECT priority, count(*), extract(epoch FROM now() - min(queued_at))::float
  FROM task_runs WHERE state = 'queued' GROUP BY priority
"""
PARTITIONS = "SELECT task, state, count(*) FROM task_partitions GROUP BY task, state"
LIMITS = """
SELECT api, CASE WHEN day = (now() AT TIME ZONE 'UTC')::date THEN used ELSE 0 END,
       coalesce(greatest(0, extract(epoch FROM hold_until - now())), 0)::float
  FROM api_limits
"""


class Figures(NamedTuple):
    """What is counted of all tasks: runs and partitions by task and state, by priority what waits and for how many
    seconds the first of it has, and by API's key the requests of today and for how long it wants none.
    """

    runs: Mapping[tuple[str, str], int] = {}
    partitions: Mapping[tuple[str, str], int] = {}
    queued: Mapping[int, tuple[int, float]] = {}
    limits: Mapping[str, tuple[int, float]] = {}


class Gauge(NamedTuple):
    """A gauge of a task; None where there is nothing to show yet."""

    name: str
    meaning: str
    read: Callable[[TaskStatus], float | None]


GAUGES = (
    Gauge("broken", "1: the task's file cannot be used.", lambda task: bool(task.trouble)),
    Gauge(
        "last_success_timestamp_seconds",
        "When the task last succeeded.",
        lambda task: (
            task.last_success.finished_at.timestamp() if task.last_success and task.last_success.finished_at else None
        ),
    ),
    Gauge(
        "last_success_seconds",
        "How long the task's last success took, with all its attempts.",
        lambda task: task.last_success.seconds if task.last_success else None,
    ),
    Gauge(
        "stale",
        "1: what the task keeps is older than it promises.",
        lambda task: task.freshness.stale if task.freshness else None,
    ),
)


def read_figures(cursor: Cursor) -> Figures:
    """Raises what the cursor raises."""

    def read(query: str) -> list[tuple[Any, ...]]:
        cursor.execute(query)
        return cursor.fetchall()

    return Figures(
        runs={(task, state): count for task, state, count in read(RUNS)},
        partitions={(task, state): count for task, state, count in read(PARTITIONS)},
        queued={priority: (count, age) for priority, count, age in read(QUEUED)},
        limits={api: (requests, seconds) for api, requests, seconds in read(LIMITS)},
    )


def show_tasks(tasks: Sequence[TaskStatus], figures: Figures) -> Iterable[Metric]:
    for gauge in GAUGES:
        family = GaugeMetricFamily(f"footprint_task_{gauge.name}", gauge.meaning, labels=["task"])
        for task in tasks:
            value = gauge.read(task)
            if value is not None:
                family.add_metric([task.name], float(value))
        yield family
    records = GaugeMetricFamily(
        "footprint_task_records", "Records of the task's last success, by what became of them.", labels=["task", "kind"]
    )
    for task in tasks:
        if task.last_success:
            for kind in task.last_success.records.__struct_fields__:
                records.add_metric([task.name, kind], getattr(task.last_success.records, kind))
    yield records
    able = [task for task in tasks if not task.trouble]
    yield show_states("footprint_task_runs", "Runs that are kept, by state.", able, RunState, figures.runs)
    partitioned = [task for task in able if task.partitioned]
    yield show_states(
        "footprint_task_partitions",
        "Partitions of the task, by state.",
        partitioned,
        PartitionState,
        figures.partitions,
    )
    yield from show_queue(figures.queued)
    yield from show_limits(figures.limits)


def show_states(
    name: str,
    meaning: str,
    tasks: Sequence[TaskStatus],
    states: Iterable[str],
    counts: Mapping[tuple[str, str], int],
) -> Metric:
    """A state that nothing is in is 0, so that a rise from nothing can be seen."""
    family = GaugeMetricFamily(name, meaning, labels=["task", "state"])
    known = list(states)
    for task in tasks:
        for state in known:
            family.add_metric([task.name, state], counts.get((task.name, state), 0))
    return family


def show_queue(queued: Mapping[int, tuple[int, float]]) -> Iterable[Metric]:
    depth = GaugeMetricFamily("footprint_task_queued", "Runs in the line that could begin.", labels=["priority"])
    for priority in Priority:
        depth.add_metric([priority.label], queued.get(priority, (0, 0.0))[0])
    yield depth
    oldest = max((age for _, age in queued.values()), default=0.0)
    yield GaugeMetricFamily("footprint_task_queue_seconds", "How long the first of the line has waited.", value=oldest)


def show_limits(limits: Mapping[str, tuple[int, float]]) -> Iterable[Metric]:
    used = GaugeMetricFamily("footprint_task_api_requests", "Requests of the API's key today (UTC).", labels=["api"])
    held = GaugeMetricFamily(
        "footprint_task_api_held_seconds", "How long the API wants not to be asked.", labels=["api"]
    )
    for api, (requests, seconds) in limits.items():
        used.add_metric([api], requests)
        held.add_metric([api], seconds)
    yield used
    yield held
