"""Receipts as nodes write them have the root that the chain commits to, or none where something is missing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import rlp as independent
from eth_utils.crypto import keccak

from indexer.rpc.answers import ReceiptAnswer
from indexer.rpc.proofs import EMPTY_ROOT, receipts_root

from .samples import PAIR, TRANSFER, hex_hash, log_json, receipt_json

BLOOM = "0x" + "00" * 255 + "01"
LOG = log_json(5, 0, topics=[TRANSFER, hex_hash(1)], data="0x00ff")
BARE = {"address": "0x" + "00" * 20, "topics": [], "data": "0x"}


def receipt(*logs: dict[str, Any], **changed: object) -> dict[str, Any]:
    return receipt_json(5, *logs) | {"type": "0x2", "cumulativeGasUsed": "0x5208", "logsBloom": BLOOM} | changed


def root_of(*receipts: dict[str, Any]) -> bytes | None:
    return receipts_root(msgspec.convert(receipts, list[ReceiptAnswer]))


def independent_root(prefix: bytes, outcome: bytes | int, *more: int, logs: list[Any] | None = None) -> bytes:
    """The root of one receipt: a trie of one leaf, whose path is that of rlp(0)."""
    encoded = prefix + independent.encode([outcome, 0x5208, bytes.fromhex(BLOOM[2:]), logs or [], *more])
    return bytes(keccak(independent.encode([b"\x20\x80", encoded])))


def test_no_receipts_have_the_empty_root() -> None:
    assert root_of() == EMPTY_ROOT


def test_a_receipt_whose_root_other_implementations_give() -> None:
    """A case that the tests of reth and alloy have in common."""
    log = log_json(5, 0) | BARE
    known = "fe70ae4a136d98944951b2123859698d59ad251a381abc9960fa81cae3d0d4a0"
    root = root_of(receipt(log, type="0x1", cumulativeGasUsed=hex(102_068)))
    assert root is not None
    assert root.hex() == known


@pytest.mark.parametrize(
    ("changed", "prefix", "outcome", "more"),
    [
        ({"type": "0x0"}, b"", 1, ()),
        ({"type": None}, b"", 1, ()),  # nodes from before Berlin name no type
        ({"type": "0x2", "status": "0x0"}, b"\x02", 0, ()),
        ({"type": "0x3"}, b"\x03", 1, ()),
        ({"type": "0x4"}, b"\x04", 1, ()),
        ({"type": "0x6a"}, b"\x6a", 1, ()),  # Arbitrum's own
        ({"type": "0x7f"}, b"\x7f", 1, ()),  # the last there can be
        ({"type": "0x0", "status": None, "root": hex_hash(3)}, b"", bytes.fromhex(hex_hash(3)[2:]), ()),
        ({"type": "0x7e"}, b"\x7e", 1, ()),  # a deposit before Regolith
        ({"type": "0x7e", "depositNonce": "0x9"}, b"\x7e", 1, ()),  # before Canyon: told, and not in the root
        ({"type": "0x7e", "depositNonce": "0x9", "depositReceiptVersion": "0x1"}, b"\x7e", 1, (9, 1)),
        ({"type": "0x2", "depositNonce": "0x9", "depositReceiptVersion": "0x1"}, b"\x02", 1, ()),
    ],
)
def test_a_receipt_of_a_type(
    changed: dict[str, object], prefix: bytes, outcome: bytes | int, more: tuple[int, ...]
) -> None:
    assert root_of(receipt(**changed)) == independent_root(prefix, outcome, *more)


@pytest.mark.parametrize("topics", range(5))
def test_a_receipt_with_logs_of_any_number_of_topics(topics: int) -> None:
    hashes = [hex_hash(number) for number in range(topics)]
    logs = [
        log_json(5, index, topics=hashes, data="0x" + "ab" * size) for index, size in enumerate((0, 1, 55, 56, 300))
    ]
    expected = [
        [bytes.fromhex(PAIR[2:]), [bytes.fromhex(text[2:]) for text in hashes], bytes.fromhex(log["data"][2:])]
        for log in logs
    ]
    assert root_of(receipt(*logs)) == independent_root(b"\x02", 1, logs=expected)


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "0x80"},
        {"type": "transfer"},
        {"type": 2},
        {"status": None},
        {"status": "1"},
        {"status": None, "root": "0x" + "00" * 31},
        {"cumulativeGasUsed": None},
        {"cumulativeGasUsed": "0x"},
        {"logsBloom": None},
        {"logsBloom": "0x"},
        {"logsBloom": {}},
        {"type": "0x7e", "depositNonce": None, "depositReceiptVersion": "0x1"},
    ],
)
def test_where_something_is_missing_or_odd_there_is_no_root_but_there_are_logs(odd: dict[str, object]) -> None:
    answers = msgspec.convert([receipt(LOG), receipt(LOG) | odd], list[ReceiptAnswer])
    assert receipts_root(answers) is None
    assert [len(answer.logs) for answer in answers] == [1, 1]


def test_the_receipts_of_a_chain_that_gives_logs_alone_decode() -> None:
    assert root_of(receipt_json(5, LOG)) is None
