"""Ranges grow to what the node answers and shrink to what it takes."""

from typing import Any

from indexer.positions.definition import Definition
from indexer.positions.reader import RangeReader
from indexer.rpc import EndpointPool
from tests.positions.pool_fixtures import fill, pool, proxy
from tests.positions.proxy import Proxy, Rule, for_ranges
from tests.positions.world import A, B, World
from tests.rpc.scripted import Answer, giving, refusing

__all__ = ["pool", "proxy"]


def headers_up_to(last: int) -> Rule:
    """A chain of that many blocks, for whoever asks for its headers."""

    def rule(call: dict[str, Any]) -> Answer | None:
        if call["method"] != "eth_getBlockByNumber":
            return None
        asked = call["params"][0]
        number = last if asked == "latest" else int(asked, 16)
        hashes = {"hash": f"0x{number:064x}", "parentHash": f"0x{max(0, number - 1):064x}"}
        return giving({"number": hex(number), "timestamp": "0x0"} | hashes)

    return rule


def read_all(proxy: Proxy, last: int) -> list[int]:
    """Read blocks 0 to `last` for one contract; the sizes that were asked for, in order."""
    reader = RangeReader([(1, Definition(bytes(20), bytes(32), 2, None, None, None, None))])
    proxy.rules.append(headers_up_to(last))
    endpoints, first = EndpointPool([proxy.node()]), 0
    while first <= last:
        first = reader.read(endpoints, first, last).last + 1
    return [last - first + 1 for first, last, _ in proxy.ranges()]


def test_a_limit_that_the_node_names_is_kept_to(world: World, proxy: Proxy) -> None:
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    proxy.rules.append(for_ranges(lambda first, last, _: last - first + 1 > 4, refusing(-32000, "max range: 4")))
    world.node = proxy.node()
    world.run_historic()
    sizes = [last - first + 1 for first, last, _ in proxy.ranges()]
    assert sizes[0] > 4
    assert max(sizes[1:]) == 4
    world.settle()
    world.check_truth()


def test_answers_that_are_too_large_make_ranges_smaller(world: World, proxy: Proxy) -> None:
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    too_many = refusing(-32005, "query returned more than 10000 results")
    proxy.rules.append(for_ranges(lambda first, last, _: last - first + 1 > 3, too_many))
    world.node = proxy.node()
    world.run_historic()
    assert world.setting("coverage")["complete"]
    world.check_truth()


def test_one_block_that_is_too_large_is_read_from_its_receipts(world: World, pool: bytes, proxy: Proxy) -> None:
    for user in range(1, 6):
        world.evm.emit(pool, bytes([user]) * 20)
    block = world.evm.mine()
    world.evm.mine(7)
    world.import_list({pool: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    too_many = refusing(-32005, "query returned more than 4 results")
    proxy.rules.append(for_ranges(lambda first, last, _: first <= block <= last, too_many))
    world.node = proxy.node()
    world.run_historic()
    assert proxy.asked("eth_getBlockReceipts")
    assert {user: first for (user, _), first in world.rows().items()} == {bytes([n]) * 20: block for n in range(1, 6)}
    world.check_truth()


def test_empty_ranges_grow_and_the_whole_past_takes_few_requests(proxy: Proxy) -> None:
    proxy.rules.append(for_ranges(lambda *asked: True, giving([])))
    sizes = read_all(proxy, 10_000_000)
    assert sizes[0] == 1000
    assert max(sizes) == 1_000_000
    assert len(sizes) < 25


def test_a_limit_without_words_is_not_run_into_again_and_again(proxy: Proxy) -> None:
    too_large = refusing(-32000, "block range is too large")
    proxy.rules.append(for_ranges(lambda first, last, _: last - first + 1 > 300, too_large))
    proxy.rules.append(for_ranges(lambda *asked: True, giving([])))
    sizes = read_all(proxy, 30_000)
    assert sum(size > 300 for size in sizes) < len(sizes) / 10
