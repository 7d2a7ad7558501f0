"""The metrics of one background worker's process, gathered when Prometheus asks.

The web server shows how every worker stands, from the database; these are a process's own counts, which begin at 0.
"""

import time
from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from indexer.workers.heart import Heart
from indexer.workers.states import State

COUNTERS = (
    ("runs", "Runs that have ended."),
    ("failures", "Runs that have failed."),
    ("items", "Items worked on."),
)
LABELS = ["worker", "kind"]


class HeartMetrics:
    """A Prometheus collector of what the heart would tell the database now; it needs none."""

    def __init__(self, heart: Heart) -> None:
        self.heart = heart

    def collect(self) -> Iterable[Metric]:
        labels = [self.heart.program, self.heart.kind]
        with self.heart.lock:
            beat = self.heart.describe()
        for name, meaning in COUNTERS:
            counter = CounterMetricFamily(f"footprint_worker_process_{name}", meaning, labels=LABELS)
            counter.add_metric(labels, getattr(beat, name))
            yield counter
        idle = GaugeMetricFamily(
            "footprint_worker_process_idle_seconds", "Seconds since its last sign of work.", labels=LABELS
        )
        idle.add_metric(labels, time.monotonic() - beat.progressed)
        yield idle
        said = GaugeMetricFamily(
            "footprint_worker_process_said", "1: the state that it says it is in.", labels=[*LABELS, "state"]
        )
        for state in State:
            said.add_metric([*labels, state.value], float(state is beat.said.state))
        yield said
