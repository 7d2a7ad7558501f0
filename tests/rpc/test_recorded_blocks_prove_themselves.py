"""Mainnet blocks as a node gave them: each proves its hash, receipts and bloom, and nothing changed in one does."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.rpc import Header, Log
from indexer.rpc.answers import HeaderAnswer, ReceiptAnswer
from indexer.rpc.proofs import bloom_of, missing_from_bloom, receipts_root
from tests.recorded_node import read_blocks

OF_THE_HASH = [
    *("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty"),
    *("number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce", "baseFeePerGas"),
    "withdrawalsRoot",
]
OF_A_RECEIPT = ["type", "status", "cumulativeGasUsed", "logsBloom"]


class Recorded(NamedTuple):
    block: dict[str, Any]
    receipts: list[dict[str, Any]]

    @property
    def header(self) -> Header:
        return msgspec.convert(self.block, HeaderAnswer).to_header()


@cache
def recorded(shared_data: Path) -> list[Recorded]:
    return [Recorded(each["block"], each["receipts"]) for each in read_blocks(shared_data)]


@pytest.fixture(scope="module")
def blocks(shared_data: Path) -> list[Recorded]:
    return recorded(shared_data)


def root_of(receipts: list[dict[str, Any]]) -> bytes | None:
    return receipts_root(msgspec.convert(receipts, list[ReceiptAnswer]))


def logs_of(receipts: list[dict[str, Any]]) -> list[Log]:
    return msgspec.convert([log for receipt in receipts for log in receipt["logs"]], list[Log])


def other_hex(text: str, data: st.DataObject) -> str:
    """The text with one digit changed."""
    at = data.draw(st.integers(2, len(text) - 1))
    digit = data.draw(st.sampled_from(sorted(set("0123456789abcdef") - {text[at]})))
    return text[:at] + digit + text[at + 1 :]


def test_every_block_proves_its_hash_its_receipts_and_its_bloom(blocks: list[Recorded]) -> None:
    assert len(blocks) == 23
    for each in blocks:
        logs = logs_of(each.receipts)
        assert each.header.hash_checks
        assert each.header.receipts_root == root_of(each.receipts)
        assert each.header.logs_bloom == bloom_of(logs)
        assert missing_from_bloom(bloom_of(logs), logs) is None


def test_hex_in_capitals_proves_as_well(blocks: list[Recorded]) -> None:
    block = {key: value for key, value in blocks[0].block.items() if key in OF_THE_HASH or key == "hash"}
    shouted = {key: "0x" + value[2:].upper() for key, value in block.items()}
    assert msgspec.convert(shouted, HeaderAnswer).to_header() == blocks[0].header
    assert blocks[0].header.hash_checks


@given(data=st.data())
def test_no_header_with_a_changed_field_has_its_hash(blocks: list[Recorded], data: st.DataObject) -> None:
    block = dict(data.draw(st.sampled_from(blocks)).block)
    field = data.draw(st.sampled_from([*OF_THE_HASH, "hash"]))
    block[field] = other_hex(block[field], data)
    assert not msgspec.convert(block, HeaderAnswer).to_header().hash_checks


@given(data=st.data())
def test_no_header_with_a_field_too_few_or_too_many_has_its_hash(blocks: list[Recorded], data: st.DataObject) -> None:
    block = dict(data.draw(st.sampled_from(blocks)).block)
    if data.draw(st.booleans()):
        optional = sorted(set(OF_THE_HASH) - {"number", "parentHash", "timestamp"})
        block[data.draw(st.sampled_from(optional))] = None
    else:
        block[data.draw(st.sampled_from(["blobGasUsed", "excessBlobGas", "slotNumber"]))] = "0x0"
    assert not msgspec.convert(block, HeaderAnswer).to_header().hash_checks


@given(data=st.data())
def test_no_receipts_with_a_changed_field_have_the_root(blocks: list[Recorded], data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(blocks))
    receipts = list(block.receipts)
    at = data.draw(st.integers(0, len(receipts) - 1))
    receipt = receipts[at] = copy.deepcopy(receipts[at])
    log = data.draw(st.sampled_from(receipt["logs"])) if receipt["logs"] else None
    if log and data.draw(st.booleans()):
        field = data.draw(st.sampled_from(["address", "topics", "data"]))
        if field == "topics" and log["topics"]:
            topic = data.draw(st.integers(0, len(log["topics"]) - 1))
            log["topics"][topic] = other_hex(log["topics"][topic], data)
        elif field == "data" and log["data"] == "0x":
            log["data"] = "0x00"
        else:
            log["address"] = other_hex(log["address"], data)
    else:
        field = data.draw(st.sampled_from(OF_A_RECEIPT))
        receipt[field] = other_hex(receipt[field], data)
    assert root_of(receipts) != block.header.receipts_root


@given(data=st.data())
def test_no_receipts_dropped_doubled_or_swapped_have_the_root(blocks: list[Recorded], data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(blocks))
    receipts = meddled(block.receipts, data)
    assert root_of(receipts) != block.header.receipts_root


@given(data=st.data())
def test_no_receipts_with_a_log_dropped_doubled_or_swapped_have_the_root(
    blocks: list[Recorded], data: st.DataObject
) -> None:
    block = data.draw(st.sampled_from(blocks))
    telling = [at for at, receipt in enumerate(block.receipts) if len(receipt["logs"]) > 1]
    at = data.draw(st.sampled_from(telling))
    receipts = list(block.receipts)
    receipts[at] = receipts[at] | {"logs": meddled(receipts[at]["logs"], data)}
    assert root_of(receipts) != block.header.receipts_root


def meddled(sequence: list[dict[str, Any]], data: st.DataObject) -> list[dict[str, Any]]:
    """The list without one of its elements, with one twice, or with two of them in each other's place."""
    at = data.draw(st.integers(0, len(sequence) - 1))
    match data.draw(st.sampled_from(["drop", "double", "swap"])):
        case "drop":
            return sequence[:at] + sequence[at + 1 :]
        case "double":
            return [*sequence[: at + 1], *sequence[at:]]
    others = [other for other, element in enumerate(sequence) if consensus_of(element) != consensus_of(sequence[at])]
    if not others:  # all alike: the order says nothing
        return sequence[1:]
    other = data.draw(st.sampled_from(others))
    swapped = list(sequence)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    return swapped


def consensus_of(element: dict[str, Any]) -> list[Any]:
    return [element.get(field) for field in (*OF_A_RECEIPT, "address", "topics", "data")]


def test_a_block_of_two_hundred_receipts_is_proved_in_far_less_than_forty_milliseconds(blocks: list[Recorded]) -> None:
    block = next(each for each in blocks if len(each.receipts) >= 200)
    receipts = msgspec.convert(block.receipts, list[ReceiptAnswer])
    seconds = []
    for _ in range(5):
        start = perf_counter()
        assert receipts_root(receipts) == block.header.receipts_root
        seconds.append(perf_counter() - start)
    assert min(seconds) < 0.04
