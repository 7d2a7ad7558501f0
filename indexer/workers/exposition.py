"""What Prometheus is shown of the workers: the state of each, as everybody is told it, and its figures.

Labels are a worker's name and its kind. Every web server shows the same rows: take the maximum, not the sum.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric

from indexer.workers.states import State
from indexer.workers.statuses import Status

LABELS = ["worker", "kind"]


class Gauge(NamedTuple):
    """A gauge of a worker; None where there is nothing to show yet."""

    name: str
    meaning: str
    read: Callable[[Status], float | None]


GAUGES = (
    Gauge("healthy", "1: nobody need do anything about the worker.", lambda at: at.healthy),
    Gauge("needs_person", "1: restarts did not help it: a person is to look.", lambda at: bool(at.needs_person)),
    Gauge("restarts", "Restarts since the worker was last healthy for ten minutes.", lambda at: at.restarts),
    Gauge("memory_bytes", "Memory of the worker's process.", lambda at: at.memory),
    Gauge("error_ratio", "The part of the worker's last runs that failed.", lambda at: at.error_rate),
    Gauge("items_per_minute", "What the worker gets done.", lambda at: at.items_per_minute),
    Gauge("latency_seconds", "How long the worker's last runs took.", lambda at: at.latency),
    Gauge("lag_seconds", "Seconds that the worker is behind.", lambda at: at.lag),
    Gauge(
        "last_run_timestamp_seconds",
        "When the worker's last run ended.",
        lambda at: at.last_run.timestamp() if at.last_run else None,
    ),
)


def show_workers(statuses: Sequence[Status]) -> Iterable[Metric]:
    states = GaugeMetricFamily("footprint_worker_state", "1: the state that a worker is in.", labels=[*LABELS, "state"])
    for status in statuses:
        for state in State:
            states.add_metric([status.name, status.kind, state], float(state is status.state))
    yield states
    for gauge in GAUGES:
        family = GaugeMetricFamily(f"footprint_worker_{gauge.name}", gauge.meaning, labels=LABELS)
        for status in statuses:
            value = gauge.read(status)
            if value is not None:
                family.add_metric([status.name, status.kind], float(value))
        yield family
