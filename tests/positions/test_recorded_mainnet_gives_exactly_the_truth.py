"""Recorded mainnet blocks through the real worker, answered over HTTP: exactly what a brute-force reading says.

The worker, the commands and the web server are processes of their own; only the node is a stand-in.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from eth_utils.address import to_checksum_address
from pytest_django.plugin import DjangoDbBlocker

from indexer.chains.connections import Connection, connect
from indexer.chains.registry import find_chain
from tests.processes import ChainWorker, run, web_server
from tests.recorded_node import RecordedNode, read_blocks
from tests.recorded_truth import TRANSFER, Truth

FIRST, LAST = 17_686_110, 17_686_132
NFT = {
    "abi": "event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)",
    "user": "to",
    "metadata": "tokenId",
}

Ask = Callable[[str], Any]


@pytest.fixture(scope="module")
def blocks(shared_data: Path) -> list[dict[str, Any]]:
    return read_blocks(shared_data)


@pytest.fixture(scope="module")
def real_list(shared_data: Path) -> Path:
    return shared_data / "watchlists" / "ethereum.json"


@pytest.fixture(scope="module")
def every_transfer(blocks: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A watch list of all contracts of the blocks that log a Transfer, NFTs with their token ids."""
    contracts: dict[int, set[str]] = {3: set(), 4: set()}
    for log in (log for block in blocks for receipt in block["receipts"] for log in receipt["logs"]):
        if log["topics"][:1] == [TRANSFER]:
            contracts[len(log["topics"])].add(log["address"])
    watches = [
        {"protocol": "mainnet", "product": product, "event": event, "contracts": sorted(contracts[topics])}
        for product, event, topics in (("tokens", "Transfer", 3), ("nfts", NFT, 4))
    ]
    path = tmp_path_factory.mktemp("lists") / "every_transfer.json"
    path.write_text(json.dumps({"chain": "ethereum", "chain_id": 1, "watches": watches}))
    return path


@contextmanager
def ethereum(blocker: DjangoDbBlocker, start: int, *lists: Path) -> Iterator[Connection]:
    """The chain as its users make it, by commands; yields a connection into its schema."""
    run("add_chain", "ethereum", "--start-block", start)
    try:
        run("import_watches", *lists)
        with blocker.unblock():
            chain = find_chain("ethereum")
        with connect(chain) as connection:
            yield connection
    finally:
        run("remove_chain", "ethereum", "--yes")


def sync(node: RecordedNode, log: Path) -> None:
    with ChainWorker("ethereum", "--until-synced", url=node.url, log=log) as worker:
        assert worker.wait() == 0, worker.said
        assert "WARNING" not in worker.said
        assert "ERROR" not in worker.said


def read(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    return connection.execute(statement).fetchall()


def check_answers(ask: Ask, truth: Truth, node: RecordedNode, users: list[str], start: int) -> None:
    """Every one of the users is answered what the truth says of blocks `start` to the head."""
    expected = truth.pools(start, node.head)
    newest = node.block_by_number("latest", False)
    assert newest is not None
    for user in users:
        answer = ask(f"/api/v1/addresses/{user}?chain=ethereum")
        assert answer["address"] == to_checksum_address(user)
        (chain,) = answer["chains"]
        pools = sorted(chain.pop("pools"), key=lambda pool: pool["contract"].lower())
        assert pools == expected.get(user, []), user
        # Ranges are one endpoint's word, and single blocks are proved; which are more depends on the loop that read.
        assert set(chain.pop("verified").values()) <= {"claimed", "proved"}
        assert chain == {
            "chain": "ethereum",
            "chain_id": 1,
            "from": start,
            "as_of": {
                "block": node.head,
                "hash": newest["hash"],
                "timestamp": int(newest["timestamp"], 16),
                "final": node.finalized,
            },
            "head": node.head,
            "complete": True,
            "check_also": {"count": 0, "contracts": []},
        }


@pytest.mark.slow
def test_the_real_watch_list_is_answered_exactly_while_the_chain_grows(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    blocks: list[dict[str, Any]],
    real_list: Path,
    tmp_path: Path,
) -> None:
    truth = Truth(blocks, json.loads(real_list.read_text())["watches"])
    everybody = truth.users(FIRST, LAST)
    senders = sorted({receipt["from"] for receipt in blocks[-1]["receipts"]} - set(everybody))[:20]
    steps = [(FIRST + 10, FIRST + 14), (FIRST + 12, FIRST + 17), (FIRST + 20, LAST)]
    with RecordedNode(blocks, head=0, finalized=0) as node, ethereum(django_db_blocker, FIRST, real_list) as connection:
        for node.finalized, node.head in steps:
            sync(node, tmp_path / "worker.log")
            with web_server(tmp_path / "web.log") as ask:
                # Who is touched only by later blocks has nothing yet.
                check_answers(ask, truth, node, [*everybody, *senders], FIRST)
        # The past up to the first final block is the historic loop's, what came after is the latest loop's.
        assert read(connection, "SELECT min(from_block), max(to_block) FROM segments") == [(FIRST, FIRST + 10)]
        assert read(connection, "SELECT count(*) FROM jobs WHERE complete") == [(4981 - duplicates(real_list),)]
    assert len(truth.rows(FIRST, LAST)) >= 30


def duplicates(path: Path) -> int:
    """Entries that say the same of a contract as another one does, under another label."""
    said = [
        (contract.lower(), json.dumps(watch["event"]))
        for watch in json.loads(path.read_text())["watches"]
        for contract in watch["contracts"]
    ]
    return len(said) - len(set(said))


class Way(NamedTuple):
    """Where final and head stand at each start of the worker, and which blocks each loop must have read there."""

    steps: list[tuple[int, int]]
    segments: tuple[int, int] | tuple[None, None]
    headers: int


START = FIRST + 1
WAYS = {
    "both loops": Way([(START + 10, LAST)], (START, START + 10), LAST - START - 9),
    "historic": Way([(LAST, LAST)], (START, LAST), 1),
    "latest by block": Way([(FIRST, LAST)], (None, None), LAST - FIRST + 1),
    "latest by range": Way([(FIRST, FIRST), (LAST, LAST)], (None, None), 2),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_transfer_gives_the_same_rows_whichever_loop_reads_it(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    blocks: list[dict[str, Any]],
    real_list: Path,
    every_transfer: Path,
    tmp_path: Path,
    way: str,
) -> None:
    watches = [watch for path in (real_list, every_transfer) for watch in json.loads(path.read_text())["watches"]]
    truth = Truth(blocks, watches)
    assert len(truth.touches) > 3000
    steps, segments, headers = WAYS[way]
    with (
        RecordedNode(blocks, head=0, finalized=0) as node,
        ethereum(django_db_blocker, START, real_list, every_transfer) as connection,
    ):
        for node.finalized, node.head in steps:
            sync(node, tmp_path / "worker.log")
        assert read(connection, "SELECT min(from_block), max(to_block) FROM segments") == [segments]
        assert read(connection, "SELECT count(*) FROM blocks") == [(headers,)]
        logs = read(
            connection,
            "SELECT '0x' || encode(address, 'hex'), '0x' || encode(contract_address, 'hex'), first_block"
            " FROM logs JOIN jobs ON jobs.id = job_id",
        )
        assert sorted(logs) == truth.rows(START, LAST)
        metadata = read(
            connection,
            "SELECT '0x' || encode(address, 'hex'), '0x' || encode(contract_address, 'hex'), key, value, first_block"
            " FROM log_metadata JOIN jobs ON jobs.id = job_id",
        )
        assert sorted(metadata) == truth.metadata(START, LAST)
        users = truth.users(START, LAST)
        with web_server(tmp_path / "web.log") as ask:
            check_answers(ask, truth, node, users if way == "both loops" else users[::40], START)
