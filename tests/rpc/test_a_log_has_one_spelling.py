"""Logs as nodes write them become logs with one spelling, or do not decode at all."""

from __future__ import annotations

import json

import msgspec
import pytest

from indexer.rpc import Header, Inconsistent, Log, check_parent

from .samples import PAIR, TRANSFER, hash_of, hex_hash, log_json


def decode(**changed: object) -> Log:
    return msgspec.json.decode(json.dumps(log_json(16, 3, **changed)), type=Log)


def shout(text: str) -> str:
    return "0x" + text[2:].upper()


def test_hex_becomes_lower_case_and_quantities_become_numbers() -> None:
    log = decode(address=shout(PAIR), topics=[shout(TRANSFER)], blockHash=shout(hex_hash(16)), data="0xAB")
    assert (log.address, log.topics, log.block_hash, log.data) == (PAIR, [TRANSFER], hex_hash(16), "0xAB")
    assert (log.block_number, log.log_index, log.transaction_hash, log.removed) == (16, 3, hex_hash(99), False)


def test_a_log_needs_neither_transaction_hash_nor_removed() -> None:
    written = {k: v for k, v in log_json(16, 3).items() if k not in ("transactionHash", "removed")}
    log = msgspec.json.decode(json.dumps(written), type=Log)
    assert (log.transaction_hash, log.removed) == (None, False)
    assert decode(transactionHash=None).transaction_hash is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": PAIR[:-1]},
        {"address": PAIR + "\n"},
        {"address": "0x" + "g" * 40},
        {"address": None},
        {"topics": [TRANSFER[:-2]]},
        {"topics": None},
        {"topics": [None]},
        {"data": "0x0"},
        {"data": "00ff"},
        {"data": None},
        {"blockNumber": None},
        {"blockNumber": "0x"},
        {"blockNumber": 16},
        {"blockHash": None},
        {"logIndex": "-0x1"},
        {"transactionHash": "0x"},
    ],
)
def test_a_log_of_another_shape_does_not_decode(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(**wrong)


def test_a_block_follows_its_parent_or_is_inconsistent() -> None:
    header = Header(number=16, hash=hash_of(16), parent_hash=hash_of(15), timestamp=0)
    check_parent(header, hash_of(15))
    with pytest.raises(Inconsistent, match=r"^block 16: its parent is 0xab00"):
        check_parent(header, hash_of(15, fork=1))
