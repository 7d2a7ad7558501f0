"""What a worker tells of its endpoints: how each is now, the requests of the day, and mismatches from zero on."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.positions.meter import Meter
from indexer.positions.protocol.ledger import Run, note_run
from indexer.positions.worker_metrics import PoolOf, WorkerMetrics
from indexer.rpc import Budget, EndpointPool, Level, Transport
from tests.metrics import Samples, parse, total, value
from tests.positions.lookup_rows import refresh, start
from tests.rpc.pools import Clock, Replica, pool_of


def show(metrics: WorkerMetrics) -> Samples:
    registry = CollectorRegistry()
    registry.register(metrics)
    return parse(generate_latest(registry).decode())


def worker_metrics(chain: Chain, meter: Meter, pool: PoolOf) -> WorkerMetrics:
    metrics = WorkerMetrics("hilltop", meter, timedelta(minutes=10))
    metrics.know(chain, pool)
    return metrics


@pytest.fixture
def replicas() -> Iterator[list[Replica]]:
    made = [Replica(100), Replica(98)]
    yield made
    for replica in made:
        replica.node.stop()


def test_every_endpoint_is_told_of_as_the_pool_sees_it(chain: Chain, replicas: list[Replica]) -> None:
    clock, meter = Clock(), Meter()
    pool = pool_of(*replicas, clock=clock, budget=Budget(1000, wall=clock.wall), blamed=meter.note_mismatch)
    pool.newest()
    first, second = (member.label for member in pool.members)
    for _ in range(3):
        pool.blame(second, "logs")
    with closing(worker_metrics(chain, meter, lambda: pool)) as metrics:
        samples = show(metrics)
    of = {"chain": "hilltop", "endpoint": first}
    assert value(samples, "footprint_endpoint_head_block", **of) == 100
    assert value(samples, "footprint_endpoint_head_block", chain="hilltop", endpoint=second) == 98
    assert value(samples, "footprint_endpoint_state", **of, state="well") == 1
    assert value(samples, "footprint_endpoint_state", chain="hilltop", endpoint=second, state="down") == 1
    assert total(samples, "footprint_endpoint_state") == 2
    assert value(samples, "footprint_endpoint_rest_seconds", **of) == 0
    assert total(samples, "footprint_endpoint_rest_seconds", endpoint=second) > 1
    assert total(samples, "footprint_endpoint_requests_per_second", endpoint=first) > 0
    assert value(samples, "footprint_endpoint_error_ratio", **of) == 0
    assert total(samples, "footprint_endpoint_error_ratio", endpoint=second) > 0
    assert value(samples, "footprint_rpc_daily_budget", chain="hilltop") == 1000
    assert value(samples, "footprint_rpc_requests_of_the_day", chain="hilltop") == pool.budget.used >= 2
    # The first mismatch of an endpoint is an increase, too.
    assert value(samples, "footprint_rpc_mismatches_total", **of, what="logs") == 0
    assert value(samples, "footprint_rpc_mismatches_total", chain="hilltop", endpoint=second, what="logs") == 3


def test_blocks_that_nobody_understood_an_endpoint_about_are_counted(chain: Chain, replicas: list[Replica]) -> None:
    pool = pool_of(*replicas)
    label = pool.members[0].label
    pool.quarantine(label, 17, Transport("the moon is full", endpoint=label))
    with closing(worker_metrics(chain, Meter(), lambda: pool)) as metrics:
        assert total(show(metrics), "footprint_endpoint_quarantined_blocks", endpoint=label) == 1


def test_without_a_limit_there_is_no_budget_and_without_a_pool_no_endpoint(
    chain: Chain, replicas: list[Replica]
) -> None:
    pools: list[EndpointPool] = []
    with closing(worker_metrics(chain, Meter(), lambda: next(iter(pools), None))) as metrics:
        before = show(metrics)
        pools.append(pool_of(*replicas))
        after = show(metrics)
    assert total(before, "footprint_endpoint_state") == 0
    assert total(after, "footprint_endpoint_state") == 2
    assert value(before, "footprint_rpc_requests_of_the_day", chain="hilltop") is None
    assert value(after, "footprint_rpc_requests_of_the_day", chain="hilltop") == 0
    assert value(after, "footprint_rpc_daily_budget", chain="hilltop") is None


def test_errors_that_an_alert_waits_for_are_counted_from_zero_on(replicas: list[Replica]) -> None:
    meter = Meter()
    meter.note_request("local-1", "eth_getLogs", 0.1, None)
    meter.note_request("local-1", "eth_getLogs", 0.1, "Refused")
    with_first = {
        key: count
        for counted, counts in meter.counts().items()
        for key, count in counts.items()
        if counted.name == "rpc_errors"
    }
    assert with_first == {
        ("local-1", "eth_getLogs", "Refused"): 1,
        ("local-1", "eth_getLogs", "QuotaSpent"): 0,
        ("local-1", "eth_getLogs", "Forbidden"): 0,
    }


def test_a_chain_tells_how_many_blocks_were_read_at_which_level(chain: Chain, connection: Connection) -> None:
    start(connection)
    with connection.transaction(), connection.cursor() as cur:
        note_run(cur, Run(0, 79, Level.CLAIMED, ("local-1",), 5, 5), 1)
        note_run(cur, Run(80, 90, Level.PROVED, ("local-1",), 5, 5))
    refresh(connection)
    with closing(worker_metrics(chain, Meter(), lambda: None)) as metrics:
        samples = show(metrics)
    blocks = {
        level: value(samples, "footprint_chain_level_blocks", chain="hilltop", level=level.word) for level in Level
    }
    assert blocks == {Level.CLAIMED: 81, Level.AGREED: 0, Level.BLOOM: 0, Level.PROVED: 11}
