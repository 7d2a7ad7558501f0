"""The brute-force reading of a chain agrees with a second way of counting, and with the balances."""

import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from indexer.embedded.chain import truth
from indexer.embedded.chain.node import Node, NodeError, encode_call
from indexer.embedded.chain.traffic import Traffic
from indexer.embedded.chain.world import World

from .chain_fixtures import anvil, bytecode, packages, start_chain, world

# One of web3's own imports lifts this limit for the whole process, and deeply nested JSON would then end it.
LIMIT = sys.getrecursionlimit()
from web3 import Web3  # noqa: E402

sys.setrecursionlimit(LIMIT)

__all__ = ["anvil", "bytecode", "packages", "start_chain", "world"]

NOBODY = "0x" + "00" * 20
ABIS = {
    "Borrow": [("borrower", "address"), ("borrowAmount", "uint256"), ("accountBorrows", "uint256"), ("t", "uint256")],
    "DepositEvent": [(name, "bytes") for name in ("pubkey", "withdrawal_credentials", "amount", "signature", "index")],
}


def counted(world: World, head: int) -> truth.Positions:
    """The same by eth_getLogs and web3's decoder, contract by contract."""
    web3 = Web3(Web3.HTTPProvider(world.url))
    notes: list[tuple[str, str, int, str, str]] = []

    def logs(contract: str, event: str) -> Any:
        topic0 = Web3.to_hex(Web3.keccak(text=event))
        query: Any = {"address": contract, "topics": [topic0], "fromBlock": 0, "toBlock": head}
        return web3.eth.get_logs(query)

    def note_topic(contract: str, event: str, topic: int) -> None:
        for log in logs(contract, event):
            notes.append((Web3.to_hex(log["topics"][topic])[-40:], contract, log["blockNumber"], "", ""))

    transfer = "Transfer(address,address,uint256)"
    pairs = list(world.pairs.values())
    for contract in (*pairs, world.tokens["WETH"], world.vault):
        note_topic(contract, transfer, 2)
    note_topic(pairs[1], transfer, 1)
    for contract in pairs[1:3]:
        note_topic(contract, "Swap(address,uint256,uint256,uint256,uint256,address)", 2)
    note_topic(world.vault, "Deposit(address,address,uint256,uint256)", 2)
    note_topic(world.vault, "Withdraw(address,address,address,uint256,uint256)", 3)
    for log in logs(world.positions, transfer):
        token = str(int.from_bytes(log["topics"][3]))
        notes.append((Web3.to_hex(log["topics"][2])[-40:], world.positions, log["blockNumber"], "tokenId", token))
    for log in decoded(web3, world.market, "Borrow", head):
        notes.append((log["args"]["borrower"][2:], world.market, log["blockNumber"], "", ""))
    for log in decoded(web3, world.deposits, "DepositEvent", head):
        credentials, pubkey = log["args"]["withdrawal_credentials"], Web3.to_hex(log["args"]["pubkey"])
        if credentials[0] in (1, 2):
            notes.append((credentials[12:].hex(), world.deposits, log["blockNumber"], "pubkey", pubkey))

    found: truth.Positions = defaultdict(dict)
    for user, contract, block, key, value in notes:
        if int(user, 16):
            position = found[Web3.to_checksum_address("0x" + user)].setdefault(
                contract, {"first_block": block, "metadata": {}}
            )
            position["first_block"] = min(block, position["first_block"])
            if key:
                position["metadata"][key] = sorted({*position["metadata"].get(key, []), value})
    return found


def decoded(web3: Web3, contract: str, event: str, head: int) -> Any:
    inputs = [{"name": name, "type": kind, "indexed": False} for name, kind in ABIS[event]]
    abi: Any = [{"type": "event", "name": event, "anonymous": False, "inputs": inputs}]
    address = Web3.to_checksum_address(contract)
    return web3.eth.contract(address=address, abi=abi).events[event].get_logs(from_block=0, to_block=head)


def test_truth_agrees_with_a_second_count_and_with_the_balances_after_reorgs(world: World) -> None:
    traffic = Traffic(world, seed=11)
    traffic.history(250)
    traffic.reorg(12)
    node, head = Node(world.url), Node(world.url).head()

    found = truth.positions(world.url, world.watch_list(), head)

    assert traffic.counters.reorgs >= 3
    assert found == counted(world, head)
    assert NOBODY not in found
    assert len(found) > len(world.wallets)
    held = truth.balances(world.url, world, [head, head - 20, head - 60])
    assert {block for _, _, block, _ in held} == {head, head - 20, head - 60}
    assert {contract for _, contract, _, _ in held} == set(world.balance_reads)
    for wallet, contract, block, balance in held:
        assert balance > 0
        assert found[wallet][contract]["first_block"] <= block
    wallet, contract, block, balance = held[0]
    read = {"to": contract, "data": encode_call(world.balance_reads[contract], wallet)}
    assert node.number("eth_call", read, hex(block)) == balance


def test_truth_up_to_a_block_knows_nothing_later(world: World) -> None:
    Traffic(world, seed=12).history(60)
    head = Node(world.url).head()
    watch_list = world.watch_list()

    whole, half = (truth.positions(world.url, watch_list, block) for block in (head, head - 30))

    assert whole != half
    for address, pools in half.items():
        for contract, position in pools.items():
            assert whole[address][contract]["first_block"] == position["first_block"] <= head - 30


def test_a_start_block_leaves_out_what_is_earlier(world: World) -> None:
    Traffic(world, seed=12).history(60)
    head = Node(world.url).head()
    watch_list = world.watch_list()
    for entry in watch_list["watches"]:
        entry["start_block"] = head - 10

    found = truth.positions(world.url, watch_list, head)

    firsts = [position["first_block"] for pools in found.values() for position in pools.values()]
    assert firsts
    assert min(firsts) >= head - 10


def test_a_block_that_is_not_there_has_no_truth(world: World) -> None:
    with pytest.raises(NodeError):
        truth.positions(world.url, world.watch_list(), Node(world.url).head() + 1)


def test_a_chain_that_changes_while_it_is_read_is_refused(world: World) -> None:
    traffic = Traffic(world, seed=13)
    traffic.history(150)
    head = Node(world.url).head()
    reading, over = Event(), Event()

    def keep_changing() -> None:
        while not over.is_set():
            traffic.reorg(3)
            reading.set()

    def keep_reading() -> None:
        # On a busy machine a reading may fit between two changes; not all of them do.
        for _ in range(20):
            truth.positions(world.url, world.watch_list(), head)

    with ThreadPoolExecutor() as pool:
        changing = pool.submit(keep_changing)
        assert reading.wait(10)
        try:
            with pytest.raises(NodeError, match=r"was replaced, while the chain was read|no receipts"):
                keep_reading()
        finally:
            over.set()
        changing.result()


def test_blocks_whose_state_is_gone_are_passed_over(world: World) -> None:
    Node(world.url).call("anvil_mine", 300)
    head = Node(world.url).head()

    held = truth.balances(world.url, world, [head - 290, head])

    assert {block for _, _, block, _ in held} == {head}
