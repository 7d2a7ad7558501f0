"""What reading and keeping cost in counts that no other work on the machine changes: requests a block, bytes a pair."""

from io import StringIO

import numpy as np
from django.core.management import call_command

from benchmarks.made_chain import FIRST, Shape, draw
from benchmarks.made_json import TRANSFER
from benchmarks.made_node import Caps
from benchmarks.results import TARGETS
from benchmarks.stand_in import start
from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.positions.definition import Definition
from indexer.positions.pairs import Pairs
from indexer.positions.protocol.bulk import store_pairs
from indexer.positions.reader import RangeReader
from indexer.rpc import Endpoint, EndpointPool, Node

SHAPE = Shape(blocks=4_000, logs_per_block=10, pools=1_500)
ROWS, BATCH = 120_000, 30_000


def floor_of(what: str) -> float:
    [floor] = [target.floor for target in TARGETS if what in target.what]
    assert floor is not None
    return floor


def test_final_blocks_take_few_requests_where_a_provider_caps_answers_and_ranges() -> None:
    jobs = [
        (job, Definition(contract.tobytes(), TRANSFER, 2, None, None, None, None))
        for job, contract in enumerate(draw(SHAPE).contracts[: SHAPE.pools], 1)
    ]
    reader = RangeReader(jobs)
    with start(SHAPE, Caps(logs=10_000, blocks=2_000)) as stand_in:
        pool = EndpointPool([Node(Endpoint(stand_in.url, "stand-in"))])
        before = stand_in.counts().posts
        first = FIRST
        while first <= SHAPE.last:
            first = reader.read(pool, first, SHAPE.last).last + 1
        # Finding out how large an answer may be is most of it.
        assert 0 < (stand_in.counts().posts - before) / SHAPE.blocks < floor_of("RPC requests per block")


def test_a_pair_takes_few_bytes(chain: Chain, connection: Connection) -> None:
    """After the indexes were built anew; with as many rows to a job as ten million have with 20,000 jobs."""
    random = np.random.default_rng(3)
    connection.execute("TRUNCATE logs")
    for first in range(0, ROWS, BATCH):
        addresses = random.integers(0, 256, (BATCH, 20), np.uint8)
        jobs = random.integers(1, ROWS // 500, BATCH).astype(np.int32)
        with connection.transaction(), connection.cursor() as cur:
            store_pairs(cur, Pairs(addresses, jobs, np.arange(first, first + BATCH)))
    call_command("rebuild_indexes", str(chain.slug), "--least", "0", stdout=StringIO())
    connection.execute("VACUUM logs")
    row = connection.execute(
        "SELECT count(*), pg_total_relation_size('logs') - pg_relation_size('logs', 'fsm') FROM logs"
    ).fetchone()
    assert row is not None
    rows, size = row
    assert rows == ROWS
    # The BRIN and the visibility map are as large for any table.
    assert size / rows < floor_of("bytes per stored pair, indexes rebuilt") + 65_536 / rows
