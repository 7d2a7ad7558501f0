"""Far behind the head, final blocks are read in ranges; where the node will not have it, block by block."""

import pytest

from indexer.positions.latest import LatestLoop
from indexer.rpc import RpcError
from tests.positions.pool_fixtures import fill, pool, proxy
from tests.positions.proxy import Proxy, for_ranges
from tests.positions.world import A, B, World, grow
from tests.rpc.scripted import refusing

__all__ = ["pool", "proxy"]


@pytest.fixture
def behind(world: World, proxy: Proxy) -> World:
    """A and B are complete up to a head that is now 100 blocks old."""
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    world.settle()
    grow(world.evm, 8)
    world.evm.mine(84)
    grow(world.evm, 8)
    world.node = proxy.node()
    proxy.forget()
    return world


def run(latest: LatestLoop, tries: int = 400) -> None:
    """Step until there is nothing to do; after an error again, as the worker does."""
    for _ in range(tries):
        try:
            if not latest.step():
                return
        except RpcError:
            continue


def test_few_requests_bring_it_to_the_head(behind: World, proxy: Proxy) -> None:
    cursor = behind.setting("latest_block_processed")
    run(behind.latest())
    assert proxy.ranges()[0][:2] == (cursor + 1, behind.evm.head() - 6)
    assert len(proxy.ranges()) == 1
    assert 0 < len(proxy.asked("eth_getBlockReceipts")) <= 6
    assert len(proxy.asked("eth_getBlockByNumber")) < 40
    behind.check_truth()


def test_what_is_final_when_it_is_read_is_not_kept_for_an_undo(behind: World) -> None:
    latest = behind.latest()
    latest.step()
    assert behind.setting("latest_block_processed") == behind.setting("final_block") == behind.evm.head() - 6
    assert behind.connection.execute("SELECT count(*) FROM unsettled").fetchone() == (0,)
    behind.check_claims()


def test_a_reorg_while_it_was_away_is_noticed_before_a_range_is_read(behind: World, proxy: Proxy) -> None:
    behind.evm.reorg(102)
    grow(behind.evm, 1)
    run(behind.latest())
    assert behind.setting("rewind")["count"] == 1
    behind.settle()
    behind.check_truth()


def test_a_block_that_changes_while_the_range_is_read_throws_the_range_away(behind: World, proxy: Proxy) -> None:
    cursor = behind.setting("latest_block_processed")
    once = iter([True])

    def reorg(*asked: object) -> bool:
        if next(once, False):
            behind.evm.reorg(20)
        return False

    proxy.rules.append(for_ranges(reorg, refusing(-32000, "")))
    latest = behind.latest()
    latest.step()
    assert behind.setting("latest_block_processed") == cursor
    run(latest)
    behind.check_truth()


def test_a_contract_that_the_node_refuses_is_read_block_by_block(behind: World, proxy: Proxy) -> None:
    proxy.rules.append(
        for_ranges(lambda _, __, asked: "0x" + A.hex() in (asked or ()), refusing(-32000, "not this one"))
    )
    run(behind.latest())
    assert behind.setting("latest_block_processed") == behind.evm.head()
    behind.check_truth()


def test_a_node_that_refuses_ranges_is_read_block_by_block(behind: World, proxy: Proxy) -> None:
    proxy.rules.append(for_ranges(lambda *asked: True, refusing(-32000, "no ranges today")))
    run(behind.latest())
    assert behind.setting("latest_block_processed") == behind.evm.head()
    behind.check_truth()


def test_a_node_that_refuses_topics_alone_is_asked_by_address(world: World, pool: bytes, proxy: Proxy) -> None:
    world.import_list({A: "Transfer", B: "Transfer", pool: {"topic0": "0x" + "11" * 32, "user_topic": 1}})
    world.settle()
    proxy.rules.append(
        for_ranges(lambda _, __, asked: asked is None, refusing(-32000, "please specify an address in your request"))
    )
    world.node = proxy.node()
    latest = world.latest()
    for _ in range(3):
        world.evm.mine(20)
        run(latest, tries=30)
        assert world.setting("latest_block_processed") == world.evm.head()
