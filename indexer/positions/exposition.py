"""What Prometheus is shown of chains and of a worker: every footprint_* metric there is, but for the web server's own.

Labels are a chain's slug, an endpoint's label (never a URL), a JSON-RPC method, the class of an error, and the words of
the tables in `meter` and `listing`. The web server and every worker of a chain show the chain's gauges, read from the
same rows: take the maximum, not the sum.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from indexer.positions.meter import BOUNDS, STATES, Meter
from indexer.positions.stalls import find_stall
from indexer.positions.standing import Jobs, Standing
from indexer.rpc import MEMBER_STATES, Budget, Level, MemberState


class EndpointGauge(NamedTuple):
    """A gauge of an endpoint; None where there is nothing to show yet."""

    name: str
    meaning: str
    read: Callable[[MemberState], float | None]


ENDPOINT_GAUGES = (
    EndpointGauge("head_block", "The newest block that the endpoint has shown.", lambda at: at.head),
    EndpointGauge("requests_per_second", "Requests a second that the worker thinks it bears.", lambda at: at.rate),
    EndpointGauge("rest_seconds", "Seconds until it is asked again.", lambda at: at.rests),
    EndpointGauge("error_ratio", "The part of its requests that failed lately.", lambda at: at.errors),
    EndpointGauge(
        "quarantined_blocks",
        "Blocks it is not asked for, since nobody knew what it answered about them.",
        lambda at: at.quarantined,
    ),
)


class Gauge(NamedTuple):
    """A gauge of a chain; None where there is nothing to show yet."""

    name: str
    meaning: str
    read: Callable[[Standing], float | None]


GAUGES = (
    Gauge("head_block", "The newest block that the chain's node has shown.", lambda at: at.head),
    Gauge("processed_block", "The newest block the latest loop has processed.", lambda at: at.cursor),
    Gauge("final_block", "The block that the chain will not take back.", lambda at: at.final),
    Gauge("lag_blocks", "Blocks that the node has shown and that are not processed.", lambda at: at.lag_blocks),
    Gauge("lag_seconds", "Age of the newest processed block.", lambda at: at.lag_seconds),
    Gauge(
        "processed_timestamp_seconds",
        "When the latest loop last processed a block, or else when the chain was added.",
        lambda at: at.processed_at.timestamp(),
    ),
    Gauge("complete", "1: every enabled job is covered from its floor on.", lambda at: at.complete),
    Gauge("historic_blocks", "Blocks of the open scans of the past.", lambda at: at.past),
    Gauge("historic_blocks_left", "Those of them that are still to read.", lambda at: at.past_left),
    Gauge("historic_progress_ratio", "The part of the open scans that is read.", lambda at: at.past_progress),
)


def show_chains(standings: Sequence[Standing], stalled_after: timedelta) -> Iterable[Metric]:
    for gauge in GAUGES:
        family = GaugeMetricFamily(f"footprint_chain_{gauge.name}", gauge.meaning, labels=["chain"])
        for standing in standings:
            value = gauge.read(standing)
            if value is not None:
                family.add_metric([str(standing.chain.slug)], float(value))
        yield family
    levels = GaugeMetricFamily(
        "footprint_chain_level_blocks",
        "Blocks by what their logs were checked against, over everything that was read.",
        labels=["chain", "level"],
    )
    stalled = GaugeMetricFamily(
        "footprint_chain_stalled",
        "1: no block has been processed for STALLED_AFTER seconds, though there are some or nobody looks.",
        labels=["chain"],
    )
    degraded = GaugeMetricFamily(
        "footprint_chain_degraded", "1: the chain shows no new block, or its past is not read on.", labels=["chain"]
    )
    reorgs = CounterMetricFamily("footprint_chain_reorgs", "Reorgs undone since the chain was added.", labels=["chain"])
    for standing in standings:
        for level in Level:
            levels.add_metric([str(standing.chain.slug), level.word], standing.levels.get(level, 0))
        stall = find_stall(standing, stalled_after)
        for family, gravity in ((stalled, "unhealthy"), (degraded, "degraded")):
            family.add_metric([str(standing.chain.slug)], float(stall is not None and stall.level == gravity))
        reorgs.add_metric([str(standing.chain.slug)], standing.reorgs)
    yield levels
    yield stalled
    yield degraded
    yield reorgs


def show_jobs(standings: Sequence[Standing], counted: Sequence[Jobs]) -> Iterable[Metric]:
    jobs = GaugeMetricFamily("footprint_chain_jobs", "Jobs by status.", labels=["chain", "status"])
    unreadable = GaugeMetricFamily(
        "footprint_chain_unreadable_logs", "Logs that do not fit the job that watches them.", labels=["chain"]
    )
    for standing, found in zip(standings, counted, strict=True):
        for state, number in found.by_state.items():
            jobs.add_metric([str(standing.chain.slug), state], number)
        unreadable.add_metric([str(standing.chain.slug)], found.unreadable)
    yield jobs
    yield unreadable


def show_database(*, up: bool) -> Metric:
    return GaugeMetricFamily("footprint_database_up", "1: the database answers.", value=float(up))


def show_remaining(slug: str, seconds: float | None) -> Metric:
    family = GaugeMetricFamily(
        "footprint_historic_eta_seconds", "Seconds until the open scans are read, at the pace seen.", labels=["chain"]
    )
    if seconds is not None:
        family.add_metric([slug], seconds)
    return family


def show_meter(slug: str, meter: Meter) -> Iterable[Metric]:
    """What a worker has counted, each with the chain as first label."""
    for counted, values in meter.counts().items():
        family = CounterMetricFamily(f"footprint_{counted.name}", counted.meaning, labels=["chain", *counted.labels])
        for labels, value in values.items():
            family.add_metric([slug, *labels], value)
        yield family
    states = GaugeMetricFamily(
        "footprint_loop_state", "1: what a worker's loop is doing.", labels=["chain", "loop", "state"]
    )
    for loop, current in meter.states.items():
        for state in STATES:
            states.add_metric([slug, loop, state], float(state == current))
    yield states
    yield from show_requests(slug, meter)


def show_requests(slug: str, meter: Meter) -> Iterable[Metric]:
    labels = ["chain", "endpoint", "method"]
    requests = CounterMetricFamily("footprint_rpc_requests", "Requests over HTTP; a batch is one.", labels=labels)
    seconds = HistogramMetricFamily(
        "footprint_rpc_request_duration_seconds", "How long requests took, failed ones too.", labels=labels
    )
    for (endpoint, method), (classes, total) in meter.timings().items():
        requests.add_metric([slug, endpoint, method], sum(classes))
        bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
        up_to = [sum(classes[: place + 1]) for place in range(len(classes))]
        seconds.add_metric([slug, endpoint, method], list(zip(bounds, up_to, strict=True)), total)
    yield requests
    yield seconds


def show_endpoints(slug: str, states: Sequence[MemberState]) -> Iterable[Metric]:
    """How a worker's endpoints are; workers of one chain each have their own opinion of them."""
    for gauge in ENDPOINT_GAUGES:
        family = GaugeMetricFamily(f"footprint_endpoint_{gauge.name}", gauge.meaning, labels=["chain", "endpoint"])
        for at in states:
            value = gauge.read(at)
            if value is not None:
                family.add_metric([slug, at.label], float(value))
        yield family
    state = GaugeMetricFamily(
        "footprint_endpoint_state", "1: what an endpoint is.", labels=["chain", "endpoint", "state"]
    )
    for at in states:
        for word in MEMBER_STATES:
            state.add_metric([slug, at.label, word], float(word == at.state))
    yield state


def show_budget(slug: str, budget: Budget | None) -> Iterable[Metric]:
    """The requests of this UTC day, and how many there may be, where that is limited."""
    used = GaugeMetricFamily("footprint_rpc_requests_of_the_day", "Requests of this UTC day.", labels=["chain"])
    limit = GaugeMetricFamily("footprint_rpc_daily_budget", "Requests that a UTC day may cost.", labels=["chain"])
    if budget is not None:
        used.add_metric([slug], budget.used)
        if budget.per_day is not None:
            limit.add_metric([slug], budget.per_day)
    yield used
    yield limit
