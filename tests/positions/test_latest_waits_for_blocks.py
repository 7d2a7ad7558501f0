"""A block that is announced but not there yet is waited for; no answer is not an empty block."""

from collections.abc import Callable
from typing import Any

import pytest

from indexer.rpc import Level, RpcError
from tests.positions.pool_fixtures import fill, proxy
from tests.positions.proxy import Proxy
from tests.positions.world import A, B, World, grow
from tests.rpc.scripted import Answer, giving, refusing, sending

__all__ = ["proxy"]


@pytest.fixture
def followed(world: World, proxy: Proxy) -> World:
    """A and B are complete up to the head; from now on the loops ask the proxy."""
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    world.settle()
    world.node = proxy.node()
    return world


def when(wanted: Callable[[dict[str, Any]], bool], answer: Answer) -> Callable[[dict[str, Any]], Answer | None]:
    return lambda call: answer if wanted(call) else None


def is_logs_by_hash(call: dict[str, Any]) -> bool:
    return call["method"] == "eth_getLogs" and "blockHash" in call["params"][0]


def is_of_one_block(call: dict[str, Any]) -> bool:
    return is_logs_by_hash(call) or call["method"] == "eth_getBlockReceipts"


UNREACHED = {
    "null-header": [
        when(lambda call: call["method"] == "eth_getBlockByNumber" and call["params"][0] != "latest", giving(None))
    ],
    "unknown-block": [when(is_of_one_block, refusing(-32000, "unknown block"))],
    "null-receipts": [
        when(is_logs_by_hash, refusing(-32601, "the method does not exist")),
        when(lambda call: call["method"] == "eth_getBlockReceipts", giving(None)),
    ],
}


@pytest.mark.parametrize("rules", UNREACHED.values(), ids=UNREACHED)
def test_a_block_that_is_not_there_yet_moves_no_cursor(
    followed: World, proxy: Proxy, rules: list[Callable[[dict[str, Any]], Answer | None]]
) -> None:
    cursor = followed.setting("latest_block_processed")
    grow(followed.evm, 3)
    proxy.rules += rules
    latest = followed.latest()
    for _ in range(3):
        assert latest.step() is False
    assert followed.setting("latest_block_processed") == cursor
    proxy.rules.clear()
    followed.settle()
    assert followed.setting("rewind")["count"] == 0
    followed.check_truth()


@pytest.mark.parametrize(
    "answer",
    [sending(b"", 503), refusing(-32000, "out of order")],
    ids=["unavailable", "refused"],
)
def test_no_answer_is_no_empty_block(followed: World, proxy: Proxy, answer: Answer) -> None:
    cursor = followed.setting("latest_block_processed")
    grow(followed.evm, 2)
    proxy.rules.append(when(lambda call: call["method"] in ("eth_getLogs", "eth_getBlockReceipts"), answer))
    latest = followed.latest()
    with pytest.raises(RpcError):
        latest.step()
    assert followed.setting("latest_block_processed") == cursor
    proxy.rules.clear()
    followed.settle()
    followed.check_truth()


@pytest.mark.parametrize("level", [Level.CLAIMED, Level.BLOOM], ids=lambda level: level.word)
def test_a_node_without_logs_by_hash_is_read_by_receipts(followed: World, proxy: Proxy, level: Level) -> None:
    grow(followed.evm, 3)
    proxy.rules.append(when(is_logs_by_hash, refusing(-32601, "the method does not exist")))
    latest = followed.latest(goal=level)
    while latest.step():
        pass
    assert proxy.asked("eth_getBlockReceipts")
    followed.check_truth()


def test_a_node_without_receipts_is_read_by_logs_and_the_bloom(followed: World, proxy: Proxy) -> None:
    grow(followed.evm, 3)
    off = refusing(-32601, "the method does not exist")
    proxy.rules.append(when(lambda call: call["method"] == "eth_getBlockReceipts", off))
    followed.settle()
    rows = followed.connection.execute("SELECT DISTINCT level FROM blocks WHERE level IS NOT NULL").fetchall()
    assert (Level.BLOOM,) in rows
    followed.check_truth()


def test_new_jobs_wait_for_their_blocks_without_haste(followed: World, proxy: Proxy) -> None:
    followed.import_list({bytes([0xCD]) * 20: "Transfer"})
    proxy.rules += UNREACHED["unknown-block"]
    latest = followed.latest()
    for _ in range(3):
        assert latest.step() is False
