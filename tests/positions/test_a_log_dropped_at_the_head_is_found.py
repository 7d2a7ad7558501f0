"""An endpoint that drops one log in a thousand is found out at the head by the receipts root, and blamed by label."""

from typing import Any

import pytest

from indexer.positions.latest import LatestLoop
from indexer.positions.meter import MISMATCHES, Meter
from indexer.rpc.trust import Trust
from tests.positions.liars import (
    LISTS,
    Endpoints,
    dropping,
    number_dropped,
    seed_that_drops_one,
    two,
)
from tests.positions.pool_fixtures import fill
from tests.positions.world import FINALITY, World, grow
from tests.rpc.scripted import Answer, sending

__all__ = ["two"]


@pytest.mark.parametrize("shown", [True, False], ids=["the rows would show", "the rows would not show"])
def test_one_log_in_a_thousand_is_found_at_the_head(world: World, two: Endpoints, shown: bool) -> None:
    fill(world)
    world.import_list(LISTS)
    world.settle()
    first = world.evm.head() + 1
    grow(world.evm, 10)
    if shown:
        world.evm.emit(next(iter(LISTS)), first.to_bytes(20, "little"))
        world.evm.mine()
    seed = seed_that_drops_one(world, first, world.evm.head(), shown=shown)
    [(block, _, _)] = number_dropped(world, 1000, seed, first, world.evm.head())
    lied = []

    def drop(logs: list[Any]) -> list[Any]:
        kept = dropping(1000, seed)(logs)
        lied.extend(log["blockNumber"] for log in logs if log not in kept)
        return kept

    def busy(call: dict[str, Any]) -> Answer | None:
        """Who tells the truth does not answer before the other one has lied, so that it is asked."""
        return sending(b"busy", 503) if call["method"] == "eth_getBlockReceipts" and not lied else None

    two.lie(1, drop, receipts=True)
    two.proxies[1].rules.append(busy)
    meter = Meter()
    pool = two.pool(blamed=meter.note_mismatch, trust=Trust.of_quirks([], True))
    latest = LatestLoop("hilltop", world.connection, pool, FINALITY, meter=meter)
    while latest.step():
        pass
    assert {int(number, 16) for number in lied} == {block}
    assert meter.counts()[MISMATCHES] == {("local-1", "inconsistent"): 1}
    row = world.connection.execute("SELECT DISTINCT level FROM blocks WHERE number >= %s", [first]).fetchall()
    assert row == [(3,)]
    world.settle()
    world.check_truth()
