"""The real watch lists of ten chains: 23,829 entries that mean 23,462 jobs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from eth_utils.abi import event_signature_to_log_topic

from indexer.positions.definition import Definition
from indexer.positions.watchlist import WatchList, read_watch_list

SHARED = os.environ.get("FOOTPRINT_SHARED", "")
pytestmark = pytest.mark.skipif(not SHARED, reason="FOOTPRINT_SHARED is not set: the real watch lists are not here")


@pytest.fixture(scope="module")
def files() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(Path(SHARED, "watchlists").glob("*.json"))]


@pytest.fixture(scope="module")
def watch_lists(files: list[dict[str, Any]]) -> list[WatchList]:
    return [read_watch_list(data, chain_id=data["chain_id"]) for data in files]


def test_every_entry_is_read(watch_lists: list[WatchList]) -> None:
    assert len(watch_lists) == 10
    assert sum(len(watch_list.entries) for watch_list in watch_lists) == 23_829


def test_the_canonical_form_neither_merges_nor_splits_jobs(
    files: list[dict[str, Any]], watch_lists: list[WatchList]
) -> None:
    written = {
        (data["chain_id"], contract.lower(), json.dumps(watch["event"], sort_keys=True))
        for data in files
        for watch in data["watches"]
        for contract in watch["contracts"]
    }
    read = {(watch_list.chain_id, entry.definition) for watch_list in watch_lists for entry in watch_list.entries}
    assert len(written) == len(read) == 23_462


def test_every_definition_is_its_own_canonical_form(watch_lists: list[WatchList]) -> None:
    for watch_list in watch_lists:
        for _, _, contract, definition, _ in watch_list.entries:
            assert definition is not None
            if definition.abi is None:
                event: dict[str, object] = {
                    "topic0": "0x" + definition.topic0.hex(),
                    "user_topic": definition.user_topic,
                }
            else:
                assert definition.topic0 == event_signature_to_log_topic(signature_of(definition.abi))
                parts = {
                    "abi": definition.abi,
                    "user": definition.user_argument,
                    "metadata": definition.metadata_argument,
                    "transform": definition.transform,
                }
                event = {key: value for key, value in parts.items() if value is not None}
            assert Definition.from_event(contract, event) == definition


def test_they_are_read_in_well_under_two_seconds(files: list[dict[str, Any]]) -> None:
    start = process_time()
    for data in files:
        read_watch_list(data)
    assert process_time() - start < 2


def signature_of(abi: str) -> str:
    """The signature of a canonical text without tuples: the first word of each argument."""
    name, arguments = abi.removeprefix("event ").removesuffix(")").split("(")
    return f"{name}({','.join(argument.split()[0] for argument in arguments.split(','))})"
