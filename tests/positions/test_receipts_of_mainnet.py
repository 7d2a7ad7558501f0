"""Recorded mainnet blocks under Ethereum's real watch list, against a reading that uses none of the package's code."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eth_abi.abi import decode
from eth_utils.address import to_checksum_address

from indexer.positions.definition import Definition
from indexer.positions.receipts import Position, process_receipts, token_event_mappings
from indexer.positions.watch import WatchIndex
from indexer.positions.watchlist import WatchList, read_watch_list
from indexer.rpc.types import Log

SHARED = os.environ.get("FOOTPRINT_SHARED", "")
pytestmark = pytest.mark.skipif(not SHARED, reason="FOOTPRINT_SHARED is not set: no recorded blocks here")

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
BORROW = "0x13ed6866d4e1ee6da46f845c46d7e54120883d75c5ea9a2dacc1c4ca8984ab80"
DEPOSIT = "0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5"


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(SHARED, "watchlists", "ethereum.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def watch_list(data: dict[str, Any]) -> WatchList:
    return read_watch_list(data, chain_id=1)


@pytest.fixture(scope="module")
def blocks() -> list[dict[str, Any]]:
    with gzip.open(next(Path(SHARED, "mainnet").glob("ethereum-*.jsonl.gz")), "rt") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def truth(data: dict[str, Any], blocks: list[dict[str, Any]]) -> set[tuple[str, str, str | None, str | None, int]]:
    watched = {
        (contract.lower(), json.dumps(watch["event"])): watch["event"]
        for watch in data["watches"]
        for contract in watch["contracts"]
    }
    events_of: dict[str, list[Any]] = {}
    for (contract, _), event in watched.items():
        events_of.setdefault(contract, []).append(event)
    return {
        (to_checksum_address(user), to_checksum_address(log["address"]), key, value, int(block["block"]["number"], 16))
        for block in blocks
        for receipt in block["receipts"]
        for log in receipt["logs"]
        for event in events_of.get(log["address"], ())
        for user, key, value in users_of(log, event)
        if int(user, 16)
    }


def users_of(log: dict[str, Any], event: Any) -> Iterator[tuple[str, str | None, str | None]]:
    topics = log["topics"]
    if event == "Transfer":
        if topics[0] == TRANSFER and len(topics) > 2:
            yield "0x" + topics[2][26:], None, None
    elif "topic0" in event:
        if topics[0] == event["topic0"]:
            yield "0x" + topics[event["user_topic"]][26:], None, None
    elif "tokenId" in event["abi"]:
        if topics[0] == TRANSFER:
            yield "0x" + topics[2][26:], "tokenId", str(int(topics[3], 16))
    elif "Borrow" in event["abi"]:
        if topics[0] == BORROW:
            yield decode(["address"] + ["uint256"] * 3, bytes.fromhex(log["data"][2:]))[0], None, None
    elif topics[0] == DEPOSIT:
        pubkey, credentials, *_ = decode(["bytes"] * 5, bytes.fromhex(log["data"][2:]))
        if credentials[0] in (1, 2):
            yield "0x" + credentials[12:].hex(), "pubkey", "0x" + pubkey.hex()


def test_the_receipts_give_exactly_the_truth(
    watch_list: WatchList, blocks: list[dict[str, Any]], truth: set[Position]
) -> None:
    mappings = token_event_mappings(watch_list)
    found = [position for block in blocks for position in process_receipts(block["receipts"], mappings)]
    assert len(truth) == 40
    assert len(found) == len(set(found))
    assert set(found) == truth


def logs_of(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [log for block in blocks for receipt in block["receipts"] for log in receipt["logs"]]


def test_the_logs_of_all_blocks_at_once_give_exactly_the_truth(
    watch_list: WatchList, blocks: list[dict[str, Any]], truth: set[Position]
) -> None:
    definitions = list(dict.fromkeys(entry.definition for entry in watch_list.entries if entry.definition))
    matches = WatchIndex(enumerate(definitions)).match(msgspec.convert(logs_of(blocks), list[Log]))
    found = {
        (to_checksum_address(address), to_checksum_address(definitions[job].contract), key, value, block)
        for block, address, job, key, value in matches.touches
    }
    assert found == truth
    assert matches.unreadable == []


def test_every_transfer_on_mainnet_read_as_fungible_and_as_nft_gives_exactly_the_truth(
    blocks: list[dict[str, Any]],
) -> None:
    """All contracts of the blocks are watched twice: each log fits one reading, and is counted by the other."""
    raw = logs_of(blocks)
    readings = (
        ("event Transfer(address indexed from, address indexed to, uint value)", "value"),
        (
            "event Transfer(address indexed from, address indexed to, uint indexed id)",
            "id",
        ),
    )
    jobs = {
        (contract, key): Definition.from_event(bytes.fromhex(contract[2:]), {"abi": abi, "user": "to", "metadata": key})
        for contract in {log["address"] for log in raw}
        for abi, key in readings
    }
    names = list(jobs)
    matches = WatchIndex(enumerate(filter(None, jobs.values()))).match(msgspec.convert(raw, list[Log]))

    expected, misfits = set(), dict.fromkeys(names, 0)
    for log in raw:
        topics = log["topics"]
        if topics[:1] != [TRANSFER]:
            continue
        fungible = len(topics) == 3 and len(log["data"]) >= 66
        nft = len(topics) == 4
        misfits[log["address"], "value"] += not fungible
        misfits[log["address"], "id"] += not nft
        if (fungible or nft) and int(topics[2], 16):
            key, number = ("value", log["data"][:66]) if fungible else ("id", topics[3])
            block = int(log["blockNumber"], 16)
            expected.add((block, topics[2][26:], (log["address"], key), key, str(int(number, 16))))

    found = {(block, user.hex(), names[job], key, value) for block, user, job, key, value in matches.touches}
    assert len(expected) > 3000
    assert found == expected
    counted = dict.fromkeys(names, 0)
    for row in matches.unreadable:
        counted[names[row.job]] += row.count
    assert counted == misfits
