"""What Prometheus is shown of tasks: how their runs have fared, what waits, and what the APIs they ask allow.

Every web server shows the same rows: take the maximum, not the sum.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from django.db import connection
from prometheus_client.core import GaugeMetricFamily, Metric

from indexer.tasks.declaring import Priority
from indexer.tasks.states import PartitionState, RunState
from indexer.tasks.statuses import TaskStatus

# One reading of each small table; runs are those that retention has left.
RUNS = "SELECT task, state, count(*) FROM task_runs GROUP BY task, state"
QUEUED = """
SELECT priority, count(*), extract(epoch FROM now() - min(queued_at))::float
  FROM task_runs WHERE state = 'queued' GROUP BY priority
"""
PARTITIONS = "SELECT task, state, count(*) FROM task_partitions GROUP BY task, state"
LIMITS = """
SELECT api, CASE WHEN day = (now() AT TIME ZONE 'UTC')::date THEN used ELSE 0 END,
       greatest(0, extract(epoch FROM hold_until - now()))::float
  FROM api_limits
"""


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


def show_tasks(tasks: Sequence[TaskStatus]) -> Iterable[Metric]:
    """Raises what Django's connection raises."""
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
    names = [task.name for task in tasks if not task.trouble]
    yield count_states("footprint_task_runs", "Runs that are kept, by state.", names, list(RunState), RUNS)
    partitioned = [task.name for task in tasks if task.partitioned]
    yield count_states(
        "footprint_task_partitions", "Partitions of the task, by state.", partitioned, list(PartitionState), PARTITIONS
    )
    yield from show_queue()
    yield from show_limits()


def count_states(name: str, meaning: str, tasks: Sequence[str], states: Sequence[str], query: str) -> Metric:
    """Of the tasks that are there; a state that nothing is in is 0, so that a rise from nothing can be seen."""
    family = GaugeMetricFamily(name, meaning, labels=["task", "state"])
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = {(task, state): count for task, state, count in cursor.fetchall()}
    for task in tasks:
        for state in states:
            family.add_metric([task, state], found.get((task, state), 0))
    return family


def show_queue() -> Iterable[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(QUEUED)
        found = {Priority(priority): (count, age) for priority, count, age in cursor.fetchall()}
    depth = GaugeMetricFamily("footprint_task_queued", "Runs in the line that could begin.", labels=["priority"])
    for priority in Priority:
        depth.add_metric([priority.label], found.get(priority, (0, 0.0))[0])
    yield depth
    oldest = max((age for _, age in found.values()), default=0.0)
    yield GaugeMetricFamily("footprint_task_queue_seconds", "How long the first of the line has waited.", value=oldest)


def show_limits() -> Iterable[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(LIMITS)
        rows = cursor.fetchall()
    used = GaugeMetricFamily("footprint_task_api_requests", "Requests of the API's key today (UTC).", labels=["api"])
    held = GaugeMetricFamily(
        "footprint_task_api_held_seconds", "How long the API wants not to be asked.", labels=["api"]
    )
    for api, requests, seconds in rows:
        used.add_metric([api], requests)
        held.add_metric([api], seconds or 0.0)
    yield used
    yield held
