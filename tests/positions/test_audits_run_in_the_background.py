"""The audit loop takes a share of what was read, one reading every few seconds, and no more than its budget."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from indexer.positions.auditing import AuditLoop
from indexer.positions.meter import MISMATCHES, Meter
from indexer.rpc import Budget, EndpointPool, RpcError
from tests.positions.liars import LISTS, Endpoints, dropping, make_final, read_by, three, two
from tests.positions.pool_fixtures import fill
from tests.positions.world import World, grow
from tests.rpc.scripted import Answer, refusing, sending

__all__ = ["three", "two"]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def read(world: World, three: Endpoints) -> World:
    fill(world)
    world.import_list(LISTS)
    three.lie(1, dropping(3))
    read_by(world, three.pool(1))
    make_final(world)
    return world


def loop_of(world: World, pool: EndpointPool, clock: Callable[[], float], **options: Any) -> AuditLoop:
    options = dict[str, Any](share=1.0, settled_after=timedelta(0)) | options
    return AuditLoop("hilltop", world.connection, pool, clock=clock, **options)


def audited(world: World) -> int:
    row = world.connection.execute("SELECT count(*) FROM readings WHERE audited_at IS NOT NULL").fetchone()
    assert row is not None
    return int(row[0])


def readings(world: World) -> int:
    row = world.connection.execute("SELECT count(*) FROM readings").fetchone()
    assert row is not None
    return int(row[0])


def run(loop: AuditLoop, clock: Clock) -> None:
    """As a worker does, for as long as there is work now."""
    while loop.step():
        pass


def test_one_reading_at_a_time_until_all_of_the_share_are_done(read: World, three: Endpoints) -> None:
    clock, meter = Clock(), Meter()
    loop = loop_of(read, three.pool(blamed=meter.note_mismatch), clock)
    for number in range(1, readings(read) + 1):
        run(loop, clock)
        assert audited(read) == number
        clock.now += 5.0
    run(loop, clock)
    assert not loop.step()
    assert {endpoint for endpoint, _ in meter.counts()[MISMATCHES]} == {"local-1"}
    read.settle()
    read.check_truth()


def test_a_share_is_drawn_and_the_rest_left_alone(read: World, three: Endpoints) -> None:
    read.connection.execute(
        "INSERT INTO readings (scan_id, from_block, to_block, level, endpoints)"
        " SELECT NULL, 1 + number % 20, 1 + number % 20, 0, '{local-1}' FROM generate_series(1, 1000) AS number"
    )
    clock = Clock()
    loop = loop_of(read, three.pool(), clock, share=0.02)
    for _ in range(60):
        run(loop, clock)
        clock.now += 100.0
    assert 5 <= audited(read) <= 50


def test_what_may_still_grow_is_left_for_later(read: World, three: Endpoints) -> None:
    clock = Clock()
    assert not loop_of(read, three.pool(), clock, settled_after=timedelta(minutes=10)).step()
    assert audited(read) == 0


def test_audits_stop_where_their_part_of_the_budget_is_used(read: World, three: Endpoints) -> None:
    clock = Clock()
    budget = Budget(100, used=50)
    loop = loop_of(read, three.pool(budget=budget), clock)
    assert not loop.step()
    assert audited(read) == 0
    assert budget.used == 50
    clock.now += 3600
    assert not loop.step()


def test_endpoints_that_fail_are_told_and_the_reading_is_tried_again(read: World, three: Endpoints) -> None:
    def rule(call: dict[str, Any]) -> Answer | None:
        return sending(b"busy", 503)

    clock = Clock()
    pool = three.pool()
    loop = loop_of(read, pool, clock)
    for proxy in three.proxies:
        proxy.rules.insert(0, rule)
    with pytest.raises(RpcError):
        loop.step()
    for proxy in three.proxies:
        proxy.rules.pop(0)
    clock.now += 5.0
    loop.pool = three.pool()
    run(loop, clock)
    assert audited(read) == 1


def test_a_reading_that_no_other_endpoint_has_holds_up_nobody(read: World, two: Endpoints) -> None:
    first, final = read.floor, read.setting("final_block")

    def rule(call: dict[str, Any]) -> Answer | None:
        asked = call["params"][0] if call["method"] == "eth_getLogs" else None
        is_old = isinstance(asked, dict) and "fromBlock" in asked and int(asked["fromBlock"], 16) <= first
        return refusing(-32000, "history has been pruned for this block") if is_old else None

    read.connection.execute("DELETE FROM readings")
    read.connection.execute(
        "INSERT INTO readings (scan_id, from_block, to_block, level, endpoints)"
        " VALUES (NULL, %(first)s, %(first)s, 0, '{}'), (NULL, %(final)s, %(final)s, 1, '{}')",
        {"first": first, "final": final},
    )
    for proxy in two.proxies:
        proxy.rules = [rule, refusing_receipts]
    clock = Clock()
    loop = loop_of(read, two.pool(), clock)
    with pytest.raises(RpcError):
        run(loop, clock)
    clock.now += 100.0
    run(loop, clock)
    assert audited(read) == 1
    clock.now += 100.0
    assert not loop.step()
    clock.now += 100.0
    with pytest.raises(RpcError):
        run(loop, clock)


def refusing_receipts(call: dict[str, Any]) -> Answer | None:
    return refusing(-32601, "the method does not exist") if call["method"] == "eth_getBlockReceipts" else None


def test_the_blocks_of_a_running_chain_are_audited_once_they_are_final(world: World, two: Endpoints) -> None:
    fill(world)
    world.import_list(LISTS)
    read_by(world, two.pool(1))
    clock = Clock()
    loop = loop_of(world, two.pool(), clock)
    for _ in range(4):
        run(loop, clock)
        clock.now += 100.0
        grow(world.evm, 2)
        read_by(world, two.pool(1))
    row = world.connection.execute("SELECT max(to_block) FROM readings WHERE audited_at IS NOT NULL").fetchone()
    assert row is not None
    assert row[0] <= world.setting("final_block")
    assert audited(world) >= 2
