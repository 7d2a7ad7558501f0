"""The stand-in node of the benchmarks answers what its chain holds, and our own readers find the truth in it."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.made_chain import FIRST, Bytes, Shape, draw, truth
from benchmarks.made_json import TRANSFER
from benchmarks.made_node import Caps
from benchmarks.stand_in import Client, StandIn, start
from indexer.positions.definition import Definition
from indexer.positions.pieces import Reading
from indexer.positions.reader import RangeReader
from indexer.rpc import Endpoint, EndpointPool, Level, Node, TooLarge, Trust
from indexer.rpc.proofs.bloom import bloom_of

SHAPE = Shape(blocks=40, logs_per_block=20, pools=300, new_share=0.3)
TOPIC0 = "0x" + TRANSFER.hex()


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with start(SHAPE, Caps(logs=500, blocks=30), endpoints=2, gzip=True) as running:
        yield running


@pytest.fixture
def node(stand_in: StandIn) -> Node:
    """Every header must have the hash of its fields."""
    trust = Trust({})
    trust.note("header_hash", True, FIRST)
    return Node(Endpoint(stand_in.url, "stand-in"), attempts=1, trust=trust)


def watched_jobs() -> list[tuple[int, Definition]]:
    contracts = draw(SHAPE).contracts[: SHAPE.pools]
    return [
        (job, Definition(contract.tobytes(), TRANSFER, 2, None, None, None, None))
        for job, contract in enumerate(contracts, 1)
    ]


def read_all(pool: EndpointPool, reader: RangeReader) -> list[Reading]:
    readings = [reader.read(pool, FIRST, SHAPE.last)]
    while readings[-1].last < SHAPE.last:
        readings.append(reader.read(pool, readings[-1].last + 1, SHAPE.last))
    return readings


def test_no_database_is_started_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("FOOTPRINT_STATE", str(tmp_path))
    with start(SHAPE) as running:
        assert running.urls
    assert not (tmp_path / "benchmarks").exists()


def test_headers_are_linked_and_have_the_bloom_of_their_logs(node: Node) -> None:
    headers = [header for header in node.headers(range(FIRST + 1, FIRST + 11)) if header]
    assert len(headers) == 10
    assert all(header.hash_checks for header in headers)
    assert all(after.parent_hash == before.hash for before, after in pairwise(headers))
    for header in headers:
        logs = node.block_logs(header, [TOPIC0])
        assert header.logs_bloom == bloom_of(logs)
    assert any(node.block_logs(header, [TOPIC0]) for header in headers)


def test_a_range_has_the_logs_that_the_generator_drew(node: Node) -> None:
    columns = draw(SHAPE)
    logs = node.range_logs(FIRST + 3, FIRST + 7, None, [TOPIC0])
    start, end = columns.starts[3], columns.starts[8]
    assert [log.address for log in logs] == [hexadecimal(columns.contracts[row]) for row in columns.contract[start:end]]
    assert [log.topics[2][26:] for log in logs] == [
        columns.users[row].tobytes().hex() for row in columns.receiver[start:end]
    ]


def test_a_filter_of_addresses_leaves_out_what_the_others_have(node: Node) -> None:
    wanted = [hexadecimal(contract) for contract in draw(SHAPE).contracts[:100]]
    all_logs = node.range_logs(FIRST, FIRST + 19, None, [TOPIC0])
    found = node.range_logs(FIRST, FIRST + 19, wanted, [TOPIC0])
    assert list(found) == [log for log in all_logs if log.address in wanted]


def test_too_much_is_refused_as_a_provider_does(node: Node) -> None:
    with pytest.raises(TooLarge, match="more than 500 results"):
        node.range_logs(FIRST, FIRST + 29, None, [TOPIC0])
    with pytest.raises(TooLarge) as refusal:
        node.range_logs(FIRST, FIRST + 30, None, [TOPIC0])
    assert refusal.value.limit_blocks == 30


def test_it_counts_what_was_asked(stand_in: StandIn) -> None:
    before = stand_in.counts()
    with Client(stand_in.urls[1]) as client:
        client.post({"method": "eth_blockNumber", "params": []})
        body = client.post([{"id": 1, "method": "eth_chainId"}, {"id": 2, "method": "eth_blockNumber"}])
    after = stand_in.counts()
    assert [answer["result"] for answer in json.loads(body)] == ["0x1", hex(SHAPE.last)]
    assert (after.posts - before.posts, after.calls - before.calls) == (2, 3)


@pytest.mark.parametrize("level", [Level.CLAIMED, Level.AGREED])
def test_our_reader_finds_the_truth(stand_in: StandIn, level: Level) -> None:
    pool = EndpointPool([Node(Endpoint(url, url[-5:])) for url in stand_in.urls])
    jobs = watched_jobs()
    firsts: dict[tuple[bytes, bytes], int] = {}
    for reading in read_all(pool, RangeReader(jobs, level)):
        found = reading.matches.found
        for address, job, block in zip(found.addresses, found.jobs.tolist(), found.blocks.tolist(), strict=True):
            key = address.tobytes(), jobs[job - 1][1].contract
            firsts[key] = min(firsts.get(key, block), block)
    pairs = truth(SHAPE, draw(SHAPE))
    assert {(*pair, block) for pair, block in firsts.items()} == pairs.as_set()


def test_the_truth_is_what_a_plain_loop_finds() -> None:
    columns = draw(SHAPE)
    last = SHAPE.last - 10
    firsts: dict[tuple[bytes, bytes], int] = {}
    for block in range(SHAPE.blocks - 10):
        for log in range(columns.starts[block], columns.starts[block + 1]):
            if columns.contract[log] < SHAPE.pools:
                user, pool = columns.users[columns.receiver[log]], columns.contracts[columns.contract[log]]
                firsts.setdefault((user.tobytes(), pool.tobytes()), FIRST + block)
    pairs = truth(SHAPE, columns, last)
    assert {(*pair, block) for pair, block in firsts.items()} == pairs.as_set()
    assert len(firsts) == pytest.approx(SHAPE.new_share * columns.starts[-11], rel=0.15)


def hexadecimal(address: Bytes) -> str:
    return "0x" + address.tobytes().hex()
