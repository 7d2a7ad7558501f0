"""Blocks that are read together follow each other, whatever the node says of them and whatever happens meanwhile."""

from typing import Any

import pytest

from indexer.rpc import Level
from tests.positions.pool_fixtures import fill, proxy
from tests.positions.proxy import Proxy
from tests.positions.world import A, B, World, grow
from tests.rpc.scripted import Answer, giving, refusing

__all__ = ["proxy"]

BEHIND = 5


@pytest.fixture
def behind(world: World, proxy: Proxy) -> World:
    """A and B are complete up to a block some below the head; from now on the loops ask the proxy."""
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    world.settle()
    grow(world.evm, BEHIND)
    world.node = proxy.node()
    return world


def cursor(world: World) -> int:
    number: int = world.setting("latest_block_processed")
    return number


@pytest.mark.parametrize("goal", [Level.CLAIMED, Level.BLOOM, Level.PROVED], ids=lambda level: level.word)
def test_blocks_that_follow_each_other_are_stored_in_one_commit(behind: World, proxy: Proxy, goal: Level) -> None:
    before = cursor(behind)
    assert behind.latest(goal=goal).step()
    assert cursor(behind) == before + BEHIND
    rows = behind.connection.execute("SELECT level FROM blocks WHERE number > %s", [before]).fetchall()
    assert len(rows) == BEHIND
    # A bloom leaves open now and then what did not come, and there is nobody else to ask.
    assert (goal,) in rows
    assert set(rows) <= {(goal,), (Level.CLAIMED,)}
    behind.check_truth()


def test_a_header_of_another_branch_ends_the_group_before_it(behind: World, proxy: Proxy) -> None:
    before = cursor(behind)
    odd = behind.evm.ask("eth_getBlockByNumber", hex(before + 3), False)
    behind.evm.reorg(BEHIND)
    grow(behind.evm, 1)

    def rule(call: dict[str, Any]) -> Answer | None:
        if call["method"] == "eth_getBlockByNumber" and call["params"][0] == hex(before + 3):
            return giving(odd)
        # It still knows the logs of what it shows, and says that there are none.
        if call["method"] == "eth_getLogs" and call["params"][0].get("blockHash") == odd["hash"]:
            return giving([])
        return None

    proxy.rules.append(rule)
    latest = behind.latest(goal=Level.CLAIMED)
    assert latest.step()
    assert cursor(behind) == before + 2
    proxy.rules.clear()
    behind.settle()
    behind.check_truth()


def test_a_reorg_between_headers_and_logs_stores_nothing_of_what_is_gone(behind: World, proxy: Proxy) -> None:
    before = cursor(behind)
    done: list[int] = []

    def rule(call: dict[str, Any]) -> Answer | None:
        if call["method"] in ("eth_getLogs", "eth_getBlockReceipts") and not done:
            done.append(1)
            behind.evm.reorg(BEHIND - 2)
            grow(behind.evm, 2)
        return None

    proxy.rules.append(rule)
    latest = behind.latest(goal=Level.BLOOM)
    for _ in range(4):
        latest.step()
    assert done
    assert cursor(behind) > before
    proxy.rules.clear()
    behind.settle()
    behind.check_truth()


def test_a_block_whose_logs_are_not_there_yet_ends_the_group_before_it(behind: World, proxy: Proxy) -> None:
    before = cursor(behind)
    # Every seventh block is quiet, and its bloom says so.
    place = 4 if (before + 4) % 7 else 3
    missing = behind.evm.ask("eth_getBlockByNumber", hex(before + place), False)["hash"]

    def rule(call: dict[str, Any]) -> Answer | None:
        asked = call["method"] == "eth_getLogs" and call["params"][0].get("blockHash") == missing
        return refusing(-32000, "unknown block") if asked else None

    proxy.rules.append(rule)
    latest = behind.latest(goal=Level.BLOOM)
    assert latest.step()
    assert cursor(behind) == before + place - 1
    assert not latest.step()
    proxy.rules.clear()
    behind.settle()
    behind.check_truth()
