"""Headers, logs and receipts as nodes write them."""

from __future__ import annotations

from typing import Any

from indexer.rpc import Header

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
APPROVAL = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
PAIR = "0x0d4a11d5eeaac28ec3f61d100daf4d40471f1852"


def hash_of(number: int, fork: int = 0) -> bytes:
    return bytes([0xAB, fork]) + number.to_bytes(30, "big")


def hex_hash(number: int, fork: int = 0) -> str:
    return "0x" + hash_of(number, fork).hex()


def header_of(number: int, fork: int = 0) -> Header:
    parent = hash_of(max(0, number - 1))
    return Header(number=number, hash=hash_of(number, fork), parent_hash=parent, timestamp=1_700_000_000)


def header_json(number: int, fork: int = 0) -> dict[str, Any]:
    return {
        "number": hex(number),
        "hash": hex_hash(number, fork),
        "parentHash": hex_hash(max(0, number - 1)),
        "timestamp": hex(1_700_000_000),
        "logsBloom": "0x" + "00" * 256,
        "transactions": [hex_hash(7)],
    }


def log_json(number: int, index: int, **changed: object) -> dict[str, Any]:
    return {
        "address": PAIR,
        "topics": [TRANSFER],
        "data": "0x00ff",
        "blockNumber": hex(number),
        "blockHash": hex_hash(number),
        "logIndex": hex(index),
        "transactionHash": hex_hash(99),
        "transactionIndex": "0x0",
        "removed": False,
    } | changed


def receipt_json(number: int, *logs: dict[str, Any], fork: int = 0) -> dict[str, Any]:
    return {"blockHash": hex_hash(number, fork), "blockNumber": hex(number), "status": "0x1", "logs": list(logs)}
