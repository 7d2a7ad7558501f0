"""Traffic is the same for the same seed, does everything a chain does, and its reorgs are real."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from eth_utils.crypto import keccak

from indexer.embedded.chain.anvil import Anvil
from indexer.embedded.chain.node import Node
from indexer.embedded.chain.traffic import DEEPEST_REORG, Traffic
from indexer.embedded.chain.world import World, deploy

from .chain_fixtures import CHAIN_ID, anvil, bytecode, packages, start_chain, world

__all__ = ["anvil", "bytecode", "packages", "start_chain", "world"]

EVENTS = {
    "pair": [
        "Transfer(address,address,uint256)",
        "Mint(address,uint256,uint256)",
        "Burn(address,uint256,uint256,address)",
        "Swap(address,uint256,uint256,uint256,uint256,address)",
    ],
    "vault": [
        "Transfer(address,address,uint256)",
        "Deposit(address,address,uint256,uint256)",
        "Withdraw(address,address,address,uint256,uint256)",
    ],
    "market": [
        "Borrow(address,uint256,uint256,uint256)",
        "RepayBorrow(address,address,uint256,uint256,uint256)",
    ],
    "positions": ["Transfer(address,address,uint256)"],
    "deposits": ["DepositEvent(bytes,bytes,bytes,bytes,bytes)"],
}
NO_ADDRESS = "0x" + "00" * 32


def read_blocks(url: str) -> list[dict[str, Any]]:
    node = Node(url)
    return node.batch([("eth_getBlockByNumber", hex(number), False) for number in range(node.head() + 1)])


def read_logs(url: str) -> list[dict[str, Any]]:
    logs: list[dict[str, Any]] = Node(url).call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
    return logs


def test_a_seeded_run_has_every_kind_of_event_and_quiet_stretches_and_reorgs(world: World) -> None:
    traffic = Traffic(world, seed=1)
    traffic.history(500)

    logs = read_logs(world.url)
    seen = Counter((log["address"], log["topics"][0]) for log in logs)
    kinds = {"pair": list(world.pairs.values())} | {
        kind: [getattr(world, kind)] for kind in ("vault", "market", "positions", "deposits")
    }
    for kind, contracts in kinds.items():
        for contract in contracts:
            for event in EVENTS[kind]:
                assert seen[contract.lower(), "0x" + keccak(text=event).hex()], f"{kind}: no {event}"
    credentials = {bytes.fromhex(log["data"][2:])[9 * 32] for log in logs if log["address"] == world.deposits.lower()}
    assert credentials == {0, 1, 2}
    pairs = {pair.lower() for pair in world.pairs.values()}
    moves = [log for log in logs if log["address"] in pairs and len(log["topics"]) == 3 and log["data"] == NO_ADDRESS]
    assert moves, "no transfer of nothing"
    positions = [log for log in logs if log["address"] == world.positions.lower()]
    assert any(log["topics"][2] == NO_ADDRESS for log in positions), "no position was closed"
    assert any(NO_ADDRESS not in log["topics"][1:3] for log in positions), "no position was given away"
    recipients = {"0x" + log["topics"][2][26:] for log in logs if log["address"] in pairs and len(log["topics"]) == 3}
    assert recipients - {wallet.lower() for wallet in world.wallets} - pairs, "no fresh address"
    empty = [not block["transactions"] for block in read_blocks(world.url)]
    assert (True, True, True) in zip(empty, empty[1:], empty[2:], strict=False)
    assert traffic.counters.blocks >= 500
    assert traffic.counters.transactions > 1_500
    assert traffic.counters.reorgs >= 5
    assert 4 <= traffic.counters.deepest <= DEEPEST_REORG


def test_history_is_fast_and_ends_now(world: World) -> None:
    began = time.monotonic()
    Traffic(world, seed=3).history(100)
    rate = 100 / (time.monotonic() - began)

    times = [int(block["timestamp"], 16) for block in read_blocks(world.url)]
    assert rate > 20
    assert times == sorted(times)
    assert abs(times[-1] - time.time()) < 60
    assert times[-1] - times[0] > 6 * 24 * 3600


def test_the_same_seed_gives_the_same_transactions_and_logs(
    world: World, bytecode: dict[str, str], start_chain: Callable[[str], Anvil]
) -> None:
    other = start_chain("twin")
    twin = deploy(other.url, CHAIN_ID, 1, other.directory, bytecode)
    runs = []
    for same in (world, twin):
        traffic = Traffic(same, seed=9)
        traffic.history(80)
        logs = [(log["blockNumber"], log["address"], log["topics"], log["data"]) for log in read_logs(same.url)]
        runs.append(([block["transactions"] for block in read_blocks(same.url)], logs, traffic.counters))

    assert runs[0] == runs[1]
    assert runs[0][2].reorgs


@pytest.mark.parametrize("depth", [1, 5, DEEPEST_REORG])
def test_a_reorg_replaces_exactly_the_blocks_it_says(world: World, depth: int) -> None:
    traffic = Traffic(world, seed=4)
    for _ in range(16):
        traffic.step()
    reorgs = traffic.counters.reorgs

    # Ten times over, so that blocks emptied by one reorg are emptied by the next again.
    for count in range(1, 11):
        before = [block["hash"] for block in read_blocks(world.url)]
        traffic.reorg(depth)
        after = [block["hash"] for block in read_blocks(world.url)]
        changed = [number for number, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
        assert changed == list(range(len(before) - depth, len(before)))
        assert traffic.counters.reorgs == reorgs + count


def test_reorgs_drop_transactions_or_replace_them_or_bring_them_back_later(world: World) -> None:
    traffic = Traffic(world, seed=6)
    fates = Counter[str]()
    for _ in range(24):
        for _ in range(5):
            traffic.step()
        dropped = {
            sent: number for number, block in enumerate(read_blocks(world.url)) for sent in block["transactions"]
        }
        traffic.reorg(4)
        kept = {sent: number for number, block in enumerate(read_blocks(world.url)) for sent in block["transactions"]}
        last = max(dropped.values()) - 4
        fates["dropped"] += not any(number > last for number in kept.values())
        fates["replaced"] += bool(kept.keys() - dropped.keys())
        fates["later"] += any(kept[sent] > dropped[sent] for sent in kept.keys() & dropped.keys())

    assert min(fates[fate] for fate in ("dropped", "replaced", "later")) > 0


def test_after_a_restart_reorgs_stay_above_the_blocks_that_were_loaded(anvil: Anvil, world: World) -> None:
    Traffic(world, seed=8).history(20)
    anvil.stop()
    anvil.start()
    again = World(**{**world.__dict__, "url": anvil.url})
    traffic = Traffic(again, seed=8)
    head = Node(anvil.url).head()
    before = [block["hash"] for block in read_blocks(anvil.url)]

    traffic.reorg(3)
    assert traffic.counters.reorgs == 0
    for _ in range(2):
        traffic.step()
    traffic.reorg(DEEPEST_REORG)

    assert traffic.counters.reorgs >= 1
    assert [block["hash"] for block in read_blocks(anvil.url)][: head + 1] == before
