"""A generated chain keeps Ethereum's rules but for its oddities, by the product's reading and by that of the tests."""

import json
from pathlib import Path
from random import Random

import msgspec
import pytest

from indexer.positions.definition import Definition
from indexer.positions.watch import WatchIndex
from indexer.rpc import Log
from indexer.rpc.answers import HeaderAnswer, ReceiptAnswer
from indexer.rpc.proofs import EMPTY_ROOT, missing_from_bloom, receipts_root
from tests.recorded_node import read_blocks
from tests.simulation.blocks import Block, Oddities
from tests.simulation.chain import Chain
from tests.simulation.events import WATCHES
from tests.simulation.profiles import CHAIN_KINDS, ChainKind
from tests.simulation.seal import FORKS, bits, header_hash, ordered_root, receipt_item
from tests.simulation.truth import truth_of


def generate(oddities: Oddities | None = None, blocks: int = 150, seed: int = 5) -> Chain:
    chain = Chain(Random(seed), oddities)
    chain.grow(blocks)
    return chain


def rooted(block: Block) -> bool:
    """Whether the product's root of the receipts is the header's."""
    receipts = msgspec.json.decode(json.dumps(block.receipts), type=list[ReceiptAnswer])
    header = msgspec.json.decode(json.dumps(block.header), type=HeaderAnswer).to_header()
    return receipts_root(receipts) == header.receipts_root


def bloomed(block: Block) -> bool:
    """Whether the header's bloom holds every log, by the product's reading."""
    header = msgspec.json.decode(json.dumps(block.header), type=HeaderAnswer).to_header()
    logs = msgspec.json.decode(json.dumps(block.logs), type=list[Log])
    return header.logs_bloom is not None and missing_from_bloom(header.logs_bloom, logs) is None


@pytest.mark.parametrize("fork", FORKS)
def test_hash_root_and_bloom_of_every_block_are_those_of_its_fields(fork: str) -> None:
    blocks = list(generate(Oddities(fork=fork)).blocks())
    assert all(map(rooted, blocks))
    assert all(map(bloomed, blocks))
    for block in blocks:
        assert msgspec.json.decode(json.dumps(block.header), type=HeaderAnswer).to_header().hash_checks
    assert max(len(block.receipts) for block in blocks) > 16  # so that the trie has more than one branch
    empty = [block for block in blocks if not block.receipts]
    assert empty
    assert {block.header["receiptsRoot"] for block in empty} == {"0x" + EMPTY_ROOT.hex()}


def test_the_tests_own_seal_is_that_of_mainnet(shared_data: Path) -> None:
    for recorded in read_blocks(shared_data)[:5]:
        header, receipts = recorded["block"], recorded["receipts"]
        items, bloom = [], 0
        for receipt in receipts:
            logs = []
            of_receipt = 0
            for log in receipt["logs"]:
                address, *topics = (bytes.fromhex(text[2:]) for text in (log["address"], *log["topics"]))
                logs.append((address, topics, bytes.fromhex(log["data"][2:])))
                for value in (address, *topics):
                    of_receipt |= bits(value)
            kind, status, gas = (int(receipt[name], 16) for name in ("type", "status", "cumulativeGasUsed"))
            items.append(receipt_item(kind, status, gas, of_receipt, logs))
            bloom |= of_receipt
        assert ordered_root(items) == header["receiptsRoot"]
        assert bloom == int(header["logsBloom"], 16)
        assert header_hash(header) == header["hash"]


@pytest.mark.parametrize("kind", CHAIN_KINDS, ids=lambda kind: kind.name)
def test_a_chain_departs_from_the_rules_as_its_quirks_say(kind: ChainKind) -> None:
    odd = kind.oddities
    blocks = [block for block in generate(odd).blocks() if block.logs]
    checks = [
        msgspec.json.decode(json.dumps(block.header), type=HeaderAnswer).to_header().hash_checks for block in blocks
    ]
    assert all(checks) if not odd.foreign_header_hash else not any(checks)
    whole = odd.receipts_root and not odd.state_sync and not odd.zero_transaction_hash
    assert all(map(rooted, blocks)) == whole
    assert all(map(bloomed, blocks)) == (odd.bloom in ("true", "full") and not odd.state_sync)
    places = [[int(log["logIndex"], 16) for log in block.logs] for block in blocks]
    assert all(place == list(range(len(place))) for place in places) == (not odd.log_index_gaps)
    assert all(place == sorted(set(place)) for place in places)
    hashes = {log["transactionHash"] for block in blocks for log in block.logs}
    assert ("0x" + "00" * 32 in hashes) == odd.zero_transaction_hash


def test_null_rounds_leave_heights_without_a_block() -> None:
    chain = generate(Oddities(null_rounds=True))
    heights = [block.number for block in chain.blocks()]
    assert len(heights) < chain.head
    for block in chain.blocks(1):
        assert block.parent is not None
        assert block.header["parentHash"] == block.parent.hash


def test_a_chain_reorganises_and_returns_to_a_branch_it_had_left() -> None:
    chain = generate(blocks=40)
    first = [block.hash for block in chain.blocks()]
    chain.reorganise(9, 8)
    second = [block.hash for block in chain.blocks()]
    assert (first[:32], len(second)) == (second[:32], 40)
    assert not set(first[32:]) & set(second[32:])
    chain.return_to(chain.left[-1])
    assert [block.hash for block in chain.blocks()] == first
    chain.return_to(chain.left[-1])
    assert [block.hash for block in chain.blocks()] == second
    for block in chain.blocks(1):
        assert block.header["parentHash"] == chain.canonical[block.number - 1].hash
    assert chain.deepest == 9


def test_a_new_branch_takes_up_what_the_old_one_held() -> None:
    chain = generate(blocks=60)
    old = {deed for block in chain.blocks(50) for deed in map(id, block.deeds)}
    chain.reorganise(10, 12)
    new = {deed for block in chain.blocks(50) for deed in map(id, block.deeds)}
    assert old & new
    assert old - new


def test_the_same_seed_gives_the_same_chain() -> None:
    def life(seed: int) -> list[str]:
        chain = generate(blocks=20, seed=seed)
        chain.reorganise(3, 4)
        return [block.hash for block in chain.blocks()]

    assert life(1) == life(1) != life(2)


@pytest.mark.parametrize("name", WATCHES)
def test_the_truth_of_the_tests_is_what_the_product_reads(name: str) -> None:
    chain, watch = generate(blocks=300), WATCHES[name]
    contract = chain.population.contracts[0]
    definition = Definition.from_event(contract, watch.event)
    assert definition is not None
    assert (definition.topic0, definition.user_topic) == (watch.topic0, watch.user_topic)
    logs = msgspec.json.decode(json.dumps([log for block in chain.blocks() for log in block.logs]), type=list[Log])
    read = WatchIndex([(7, definition)]).match(logs)
    truth = truth_of(chain, contract, watch, 0)
    assert {(touch.block, touch.address, touch.key, touch.value) for touch in read.touches} == truth.touches
    assert {row.block: row.count for row in read.unreadable} == truth.unreadable
    assert set(truth.logs) == {user for _, user, _, _ in truth.touches}
    assert all(block == min(at for at, who, _, _ in truth.touches if who == user) for user, block in truth.logs.items())
    assert bool(truth.metadata) == (watch.key is not None)
