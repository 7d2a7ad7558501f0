"""No block becomes final that only one endpoint has, even where most of them are further already."""

from typing import Any

from indexer.positions.latest import SETTLE_EVERY, LatestLoop
from indexer.rpc import Level
from tests.positions.lies import orphan_as_canonical
from tests.positions.proxy import for_ranges
from tests.positions.trio import Trio, saying, trio
from tests.positions.world import FINALITY, A
from tests.rpc.scripted import Answer, giving, refusing

__all__ = ["trio"]


def test_a_block_of_another_branch_is_not_made_final(trio: Trio) -> None:
    trio.evm.mine(2)
    trio.lie(1, *orphan_as_canonical(trio))
    trio.evm.mine(FINALITY.depth + 2)
    loop: LatestLoop = trio.latest(goal=Level.PROVED)
    for _ in range(30):
        loop.step()
        final = trio.setting("final_block")
        row = trio.connection.execute("SELECT hash FROM blocks WHERE number = %s", [final]).fetchone()
        assert row is not None
        assert row[0].hex() == trio.evm.ask("eth_getBlockByNumber", hex(final), False)["hash"][2:]
        trio.clock.now += 2
    assert trio.cursor == trio.evm.head()
    assert trio.setting("final_block") == trio.evm.head() - FINALITY.depth
    assert trio.setting("rewind")["count"] <= 1
    trio.recover()
    trio.check_truth()


def test_a_long_way_up_block_by_block_is_settled_on_the_way(trio: Trio) -> None:
    for proxy in trio.proxies:
        proxy.rules.append(for_ranges(lambda *asked: True, refusing(-32000, "no ranges here")))
    trio.evm.mine(2 * SETTLE_EVERY)
    loop = trio.latest()
    while trio.cursor != trio.evm.head():
        loop.step()
        assert trio.cursor is not None
        assert trio.cursor - trio.setting("final_block") <= SETTLE_EVERY
    assert trio.setting("final_block") == trio.evm.head() - FINALITY.depth


def test_who_reads_a_range_of_another_branch_is_blamed(trio: Trio) -> None:
    trio.evm.mine(11)
    trio.evm.emit(A, b"\x5a" * 20)
    trio.evm.mine(8)
    old = {number: trio.evm.ask("eth_getBlockByNumber", hex(number), False) for number in range(trio.evm.head() + 1)}
    trio.evm.reorg(10)
    trio.evm.mine(4)
    final = trio.evm.head() - FINALITY.depth
    assert old[final]["hash"] != trio.evm.ask("eth_getBlockByNumber", hex(final), False)["hash"]

    def on_another_branch(call: dict[str, Any]) -> Answer | None:
        asked_for = call["method"] == "eth_getBlockByNumber" and call["params"][0] == hex(final)
        return giving(old[final]) if asked_for else None

    liar, *others = trio.proxies
    liar.rules.append(on_another_branch)
    for proxy in others:
        proxy.rules.append(saying("eth_getLogs", refusing(-32601, "the method eth_getLogs does not exist")))
    cursor = trio.cursor
    trio.latest().step()
    assert trio.mismatches() == {"local-1": 1}
    assert trio.cursor == cursor
