"""GET /metrics: what Prometheus asks the web server for.

Its own requests and statements (django-prometheus), its processes, how every chain stands in the database, the
workers, the tasks, and the market.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from prometheus_client import REGISTRY, CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.health import Ready, stalled_after
from api.resource import Resource
from indexer.market.exposition import read_series, show_market
from indexer.positions.exposition import show_chains, show_database, show_jobs
from indexer.positions.readiness import KINDS, Readiness, ask_default
from indexer.positions.standing import JobCounts
from indexer.tasks.exposition import read_figures, show_tasks
from indexer.tasks.statuses import read_tasks
from indexer.workers.exposition import show_workers
from indexer.workers.statuses import read_statuses

MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"


class Metrics(Resource):
    """It answers without its database, too: that it is gone is something to tell."""

    counts = JobCounts(ask_default)

    def get(self, request: HttpRequest) -> HttpResponse:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return HttpResponse(encode(Gathered([*show_server(), *self.show_database()])), content_type=content_type)

    def show_database(self) -> Iterable[Metric]:
        found = Ready.readers.look(self.chains.read, self.chains.forget, stalled_after())
        return [
            show_database(up=found.database),
            *show_readiness(found),
            *show_chains(found.standings, stalled_after()),
            *self.show_jobs(found),
            *self.show_workers(found),
            *self.show_tasks(found),
            *self.show_market(found),
        ]

    def show_jobs(self, found: Readiness) -> list[Metric]:
        try:
            return list(show_jobs(found.standings, self.counts.read(found.standings)))
        except Error:
            # The database went, or a chain was removed, since a moment ago: the next answer says which.
            return []

    def show_workers(self, found: Readiness) -> list[Metric]:
        if not found.database:
            return []
        try:
            with connection.cursor() as cursor:
                return list(show_workers(read_statuses(cursor)))
        except Error:
            # The database went since a moment ago, or lacks the tables: the obstacles say so.
            return []

    def show_tasks(self, found: Readiness) -> list[Metric]:
        if not found.database:
            return []
        try:
            with connection.cursor() as cursor:
                figures = read_figures(cursor)
            return list(show_tasks(read_tasks(), figures))
        except Error:
            # As with the workers.
            return []

    def show_market(self, found: Readiness) -> list[Metric]:
        if not found.database:
            return []
        try:
            with connection.cursor() as cursor:
                return list(show_market(read_series(cursor)))
        except Error:
            # As above.
            return []


class Gathered(Collector):
    """Metrics that were gathered already, as an encoder wants them."""

    def __init__(self, metrics: list[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self.metrics


def show_readiness(found: Readiness) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "footprint_ready", "1: /health/ready answers that nothing is in the way.", value=float(not found.obstacles)
    )
    obstacles = GaugeMetricFamily("footprint_obstacles", "What /health/ready tells of, by kind.", labels=["kind"])
    for kind in KINDS:
        obstacles.add_metric([kind], sum(each.kind == kind for each in found.obstacles))
    yield obstacles


def show_server() -> Iterable[Metric]:
    """What django-prometheus counted: here, or in all processes of the server where they add up in one folder."""
    folder = os.environ.get(MULTIPROC_DIR)
    if not folder:
        return REGISTRY.collect()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return [*registry.collect(), *show_processes(Path(folder))]


def show_processes(folder: Path) -> Iterator[Metric]:
    """Memory, processor time and open files of every process of the server, by pid as the folder's gauges are."""
    families: dict[str, Metric] = {}
    for pid in sorted(living_siblings(folder)):
        for metric in ProcessCollector(pid=pid.__str__, registry=None).collect():
            family = families.setdefault(metric.name, family_like(metric))
            for sample in metric.samples:
                family.add_sample(sample.name, {"pid": str(pid)}, sample.value)
    yield from families.values()


def family_like(metric: Metric) -> Metric:
    kind = CounterMetricFamily if metric.type == "counter" else GaugeMetricFamily
    return kind(metric.name, metric.documentation, labels=["pid"])


def living_siblings(folder: Path) -> set[int]:
    """Processes that count in the folder and have the parent that this one has; those that have ended leave files."""
    counting = {int(file.stem.rpartition("_")[2]) for file in folder.glob("*_*.db")}
    return {pid for pid in counting if parent_of(pid) == os.getppid()}


def parent_of(pid: int) -> int | None:
    try:
        # The second field is the program's name in parentheses, which may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None
