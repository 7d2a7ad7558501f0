"""Reorgs of any depth leave no trace, and a node that merely lags is no reorg."""

from typing import Any

import pytest

from tests.positions.pool_fixtures import fill, proxy
from tests.positions.proxy import Proxy
from tests.positions.world import A, B, World, grow
from tests.rpc.scripted import Answer, giving

__all__ = ["proxy"]


@pytest.fixture
def followed(world: World) -> World:
    """A and B are complete up to the head; twenty blocks have been read one by one."""
    fill(world)
    mine_busy(world, 10)
    world.begin()
    world.import_list({A: "Transfer", B: "Transfer"})
    latest = world.latest()
    for _ in range(20):
        mine_busy(world, 1)
        while latest.step():
            pass
    world.settle()
    world.check_truth()
    return world


def mine_busy(world: World, blocks: int) -> None:
    """No block of them is empty: an empty one would be the same on both branches of a reorg."""
    for _ in range(blocks):
        world.evm.emit(A, b"\x51" * 20)
        grow(world.evm, 1)


def rewinds(world: World) -> int:
    count: int = world.setting("rewind")["count"]
    return count


def kept(world: World) -> int:
    """The lowest header that is kept."""
    row = world.connection.execute("SELECT min(number) FROM blocks").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("depth", [1, 5, 6, 7, 12, 19], ids=lambda depth: f"{depth}-blocks")
def test_a_reorg_leaves_no_trace(followed: World, depth: int) -> None:
    ancestor = followed.evm.head() - depth
    followed.evm.reorg(depth)
    followed.evm.emit(A, b"\x5a" * 20)
    grow(followed.evm, 3)
    followed.settle()
    assert rewinds(followed) == 1
    assert followed.setting("rewind")["ancestor"] == ancestor
    followed.check_truth()


def test_a_reorg_deeper_than_final_lowers_final_and_says_so(followed: World, caplog: pytest.LogCaptureFixture) -> None:
    head, final = followed.evm.head(), followed.setting("final_block")
    assert final == head - 6
    followed.evm.reorg(10)
    followed.evm.mine()
    followed.latest().step()
    assert followed.setting("final_block") == followed.setting("latest_block_processed") == head - 10
    assert any(
        record.levelname == "ERROR" and "deeper than what was final" in record.message for record in caplog.records
    )
    assert all(block <= head - 10 for block in followed.rows().values())
    followed.check_claims()


def test_a_reorg_below_every_kept_header_reads_everything_again(
    followed: World, caplog: pytest.LogCaptureFixture
) -> None:
    depth = followed.evm.head() - kept(followed) + 3
    followed.evm.reorg(depth)
    grow(followed.evm, 2)
    followed.latest().step()
    assert followed.setting("latest_block_processed") == followed.floor - 1
    assert followed.rows() == {}
    assert any("no stored block is canonical any more" in record.message for record in caplog.records)
    followed.settle()
    followed.check_truth()


def test_a_shorter_chain_is_followed_back(followed: World) -> None:
    snapshot = followed.evm.ask("evm_snapshot")
    ancestor = followed.evm.head()
    grow(followed.evm, 4)
    followed.settle()
    followed.evm.ask("evm_revert", snapshot)
    followed.evm.emit(A, b"\x5b" * 20)
    followed.evm.mine()
    assert followed.evm.head() < followed.setting("latest_block_processed")
    followed.latest().step()
    assert followed.setting("latest_block_processed") == ancestor
    followed.check_claims()
    followed.settle()
    followed.check_truth()


def test_a_branch_of_the_same_length_is_noticed_at_once(followed: World) -> None:
    followed.evm.reorg(2)
    followed.latest().step()
    assert followed.setting("latest_block_processed") == followed.evm.head() - 2
    followed.settle()
    followed.check_truth()


def lag_by(world: World, blocks: int) -> Any:
    """A node that does not yet know the newest blocks."""
    head = world.evm.head() - blocks

    def rule(call: dict[str, Any]) -> Answer | None:
        if call["method"] != "eth_getBlockByNumber":
            return None
        if call["params"][0] == "latest":
            return giving(world.evm.ask("eth_getBlockByNumber", hex(head), False))
        return giving(None) if int(call["params"][0], 16) > head else None

    return rule


@pytest.mark.parametrize("blocks", [1, 4, 10, 30])
def test_a_node_that_lags_is_waited_for(followed: World, proxy: Proxy, blocks: int) -> None:
    cursor = followed.setting("latest_block_processed")
    rows = followed.rows()
    proxy.rules.append(lag_by(followed, blocks))
    followed.node = proxy.node()
    latest = followed.latest()
    for _ in range(3):
        assert latest.step() is False
    assert (followed.setting("latest_block_processed"), rewinds(followed)) == (cursor, 0)
    assert followed.rows() == rows
    assert followed.setting("head_block") == cursor - blocks
    proxy.rules.clear()
    grow(followed.evm, 2)
    followed.settle()
    assert rewinds(followed) == 0
    followed.check_truth()
