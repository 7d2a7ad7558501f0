"""A header's hash is that of its fields, as far as it has them; what is odd on other chains only does not check."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import rlp as independent
from eth_utils.crypto import keccak

from indexer.rpc.answers import HeaderAnswer

from .samples import hash_of, header_json

GENESIS = {
    "number": "0x0",
    "hash": "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
    "parentHash": "0x" + "00" * 32,
    "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    "miner": "0x" + "00" * 20,
    "stateRoot": "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544",
    "transactionsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "receiptsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "logsBloom": "0x" + "00" * 256,
    "difficulty": "0x400000000",
    "gasLimit": "0x1388",
    "gasUsed": "0x0",
    "timestamp": "0x0",
    "extraData": "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa",
    "mixHash": "0x" + "00" * 32,
    "nonce": "0x0000000000000042",
}
IN_ORDER = [
    *("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty"),
    *("number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce"),
]
LATER = {
    "baseFeePerGas": "0x0",
    "withdrawalsRoot": "0x" + "11" * 32,
    "blobGasUsed": "0x20000",
    "excessBlobGas": "0x0",
    "parentBeaconBlockRoot": "0x" + "22" * 32,
    "requestsHash": "0x" + "33" * 32,
    "blockAccessListHash": "0x" + "44" * 32,
    "slotNumber": "0xa1b2c3",
}
FORKS = {
    "London": ["baseFeePerGas"],
    "Shanghai": ["baseFeePerGas", "withdrawalsRoot"],
    "Cancun": [*LATER][:5],
    "Prague": [*LATER][:6],
    "Amsterdam": [*LATER],
}
QUANTITIES = {
    *("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas"),
    "slotNumber",
}
NEEDED = {"number", "parentHash", "timestamp", "logsBloom"}
"""Without these of the right shape an answer is no header."""


def checks(block: dict[str, Any]) -> bool:
    return msgspec.convert(block, HeaderAnswer).to_header().hash_checks


def independent_hash(block: dict[str, Any], names: list[str]) -> str:
    values = [int(block[name], 16) if name in QUANTITIES else bytes.fromhex(block[name][2:]) for name in names]
    return "0x" + keccak(independent.encode(values)).hex()


def test_mainnets_first_block() -> None:
    header = msgspec.convert(GENESIS, HeaderAnswer).to_header()
    assert header.hash_checks
    assert header.receipts_root == bytes.fromhex(GENESIS["receiptsRoot"][2:])


@pytest.mark.parametrize("fork", FORKS)
def test_a_header_of_a_fork_has_the_hash_with_its_fields(fork: str) -> None:
    block = GENESIS | {name: LATER[name] for name in FORKS[fork]}
    assert not checks(block)
    assert checks(block | {"hash": independent_hash(block, IN_ORDER + FORKS[fork])})


def test_berachain_adds_a_field_of_its_own() -> None:
    added = {name: LATER[name] for name in FORKS["Prague"]} | {"parentProposerPubkey": "0x" + "55" * 48}
    block = GENESIS | added
    assert checks(block | {"hash": independent_hash(block, IN_ORDER + list(added))})


@pytest.mark.parametrize("odd", ["", "0x", "0xzz", "0x123", " 0x12", 7, 1.5, True, [], ["0x00"], {"a": {}}])
@pytest.mark.parametrize("field", sorted({*IN_ORDER, *LATER} - NEEDED))
def test_an_odd_field_of_another_chain_only_does_not_check(field: str, odd: object) -> None:
    header = msgspec.convert(GENESIS | {field: odd}, HeaderAnswer).to_header()
    assert (header.number, header.hash_checks) == (0, False)


@pytest.mark.parametrize("field", LATER)
def test_a_later_field_that_is_null_is_none(field: str) -> None:
    assert checks(GENESIS | {field: None})


@pytest.mark.parametrize("root", [None, 5, "0x", "0x" + "ab" * 31, "0x" + "ab" * 33, "ab" * 33, "0x" + "zz" * 32])
def test_a_receipts_root_of_another_shape_is_none(root: object) -> None:
    assert msgspec.convert(header_json(5) | {"receiptsRoot": root}, HeaderAnswer).to_header().receipts_root is None


def test_a_header_with_the_least_it_needs_is_one_that_does_not_check() -> None:
    header = msgspec.convert(header_json(5), HeaderAnswer).to_header()
    assert (header.number, header.hash, header.receipts_root, header.hash_checks) == (5, hash_of(5), None, False)
