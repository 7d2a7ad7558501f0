"""What following the head costs: one block at once, many blocks in a row, and what is asked for it.

    python -m benchmarks.head [--rounds 3] [--profile] [--json FILE]

The real latest loop reads true blocks (see head_node) over real HTTP into PostgreSQL (DATABASE_URL, or the benchmarks'
server), with 5,000 jobs; the chain `benchmark_head` is made there and removed at the end. Two minutes.

block       from asking for the head until the block is committed, the node answering at once
capacity    blocks a second of one process that has many to read, block by block
statements  sent to the database for one block at the head
requests    sent over HTTP for one block of a chain that makes one every 12 seconds, the loop being woken as a worker is

`bloom` is measured on blocks whose users are in the data of logs: with 5,000 contracts watched, the bloom of a block
that holds hundreds of users in its topics never excludes all that did not come, and the receipts are asked for (`bloom,
dense`).
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

import msgspec
from django.core.management import call_command

from benchmarks.figures import Figure, add_json_option, report
from benchmarks.head_node import DATA_ABI, EPOCH, HeadNode, Shape, head_node, watched_contracts
from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.chains.profiles import Finality
from indexer.chains.registry import add_chain, remove_chain
from indexer.positions.latest import LatestLoop
from indexer.positions.protocol.coverage import refresh_coverage
from indexer.positions.protocol.head import start_chain
from indexer.positions.protocol.state import lock_state, raise_watch_version
from indexer.rpc import Endpoint, EndpointPool, Level, Limits, Node, Trust
from indexer.rpc.answers import HeaderAnswer
from indexer.rpc.rate import MOST
from tests.positions.racing import Gate, open_gated

DEPTH = 64
BLOCKS = 40
"""Blocks of which the median is taken, and the same many before them that are not counted."""
ROW = 240
"""Blocks in a row for the capacity."""
BLOCK_TIME, LOOK = 12.0, 2.0
"""Seconds between two blocks of the chain for which requests are counted, and between two looks of its worker."""

BIG = Shape("300 logs", 2 * BLOCKS, 300, 200, 40, users_in_data=False)
BIG_BLOOM = Shape("300 logs, users in data", 2 * BLOCKS, 300, 200, 4, users_in_data=True)
SMALL = Shape("50 logs", ROW, 50, 30, 10, users_in_data=False)
SMALL_BLOOM = Shape("50 logs, users in data", ROW, 50, 30, 4, users_in_data=True)

ADD_JOBS = """
INSERT INTO jobs (contract_address, topic0, user_topic, abi, user_argument, enabled, retired, floor, live_from, covered,
                  complete, unreadable, attempts)
SELECT contract, %(topic0)s, %(user_topic)s, %(abi)s, %(user)s, true, false, 0, 1, '{[0,1)}', true, 0, 0
FROM unnest(%(contracts)s::bytea[]) AS contract
"""


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def add_jobs(connection: Connection, shape: Shape) -> None:
    """Jobs that are live from block 1 on, as a take-up leaves them."""
    in_data = shape.users_in_data
    with connection.transaction(), connection.cursor() as cur:
        lock_state(cur)
        cur.execute(
            ADD_JOBS,
            {
                "topic0": shape.topic0,
                "user_topic": None if in_data else 2,
                "abi": DATA_ABI if in_data else None,
                "user": "user" if in_data else None,
                "contracts": watched_contracts(shape),
            },
        )
        raise_watch_version(cur)
        refresh_coverage(cur)
    connection.execute("ANALYZE jobs")


def begin(connection: Connection, node: HeadNode, shape: Shape) -> None:
    """Put an empty chain's cursor on the node's block 0, with all jobs live."""
    start_chain(connection, msgspec.json.decode(node.first, type=HeaderAnswer).to_header())
    add_jobs(connection, shape)


@contextmanager
def begun(shape: Shape, endpoints: int) -> Iterator[tuple[Chain, Connection, HeadNode]]:
    """A node and a chain whose cursor is on the node's block 0, with all jobs live."""
    chain, new = add_chain("benchmark_head", 999_999_998, None)
    if not new:
        raise SystemExit("benchmark_head is there already: remove it with manage.py remove_chain benchmark_head")
    try:
        with head_node(shape, endpoints, DEPTH) as node, connect(chain) as connection:
            begin(connection, node, shape)
            yield chain, connection, node
    finally:
        remove_chain(chain)


def open_pool(node: HeadNode, clock: Callable[[], float]) -> EndpointPool:
    """Endpoints that are known to bear as much as is ever sent: pacing is not what is measured."""
    limits = {f"stand-in-{place}": Limits(rate=MOST) for place in range(1, len(node.urls) + 1)}
    return EndpointPool(
        [Node(Endpoint(url, f"stand-in-{place}")) for place, url in enumerate(node.urls, 1)],
        limits=limits,
        trust=Trust.of_quirks([], standard=True),
        clock=clock,
        hedge_after=1.5,
    )


def open_loop(
    chain: Chain, connection: Connection, node: HeadNode, goal: Level, clock: Callable[[], float] = time.monotonic
) -> LatestLoop:
    return LatestLoop(
        str(chain.slug), connection, open_pool(node, clock), Finality(DEPTH, "finalized"), goal=goal, clock=clock
    )


def levels_of(connection: Connection) -> dict[str, int]:
    rows = connection.execute("SELECT level, count(*) FROM blocks WHERE level IS NOT NULL GROUP BY 1 ORDER BY 1")
    return {Level(level).word: count for level, count in rows.fetchall()}


class Blocks(NamedTuple):
    """Milliseconds of each of BLOCKS blocks, one at a time, and of the processor; the levels they reached."""

    taken: list[float]
    worked: float
    levels: dict[str, int]


def block_times(shape: Shape, goal: Level, endpoints: int = 1) -> Blocks:
    with begun(shape, endpoints) as (chain, connection, node):
        loop = open_loop(chain, connection, node, goal)
        taken, worked = [], 0.0
        for head in range(1, 2 * BLOCKS + 1):
            node.show(head)
            began, busy = time.perf_counter(), time.process_time()
            while not loop.step():
                pass
            if head > BLOCKS:
                taken.append(1000 * (time.perf_counter() - began))
                worked += 1000 * (time.process_time() - busy)
        return Blocks(taken, worked / BLOCKS, levels_of(connection))


class Row(NamedTuple):
    """Blocks a second over ROW blocks, milliseconds of this process and requests for each, the levels."""

    speed: float
    worked: float
    requests: float
    levels: dict[str, int]


def capacity(shape: Shape, goal: Level, endpoints: int = 1) -> Row:
    with begun(shape, endpoints) as (chain, connection, node):
        # Nothing becomes final on the way, so that no range is read.
        loop = LatestLoop(str(chain.slug), connection, open_pool(node, time.monotonic), Finality(10**6), goal=goal)
        node.show(1)
        while loop.step():
            pass
        before = node.requests
        node.show(shape.blocks)
        began, busy = time.perf_counter(), time.process_time()
        while cursor_of(connection) < shape.blocks:
            loop.step()
        took, worked = time.perf_counter() - began, 1000 * (time.process_time() - busy)
        blocks = shape.blocks - 1
        return Row(blocks / took, worked / blocks, (node.requests - before) / blocks, levels_of(connection))


def cursor_of(connection: Connection) -> int:
    row = connection.execute("SELECT value::bigint FROM settings WHERE key = 'latest_block_processed'").fetchone()
    assert row is not None
    return int(row[0])


class Counts(NamedTuple):
    """Requests, JSON-RPC calls and statements for a block, means over some epochs, and the statements of the last."""

    requests: float
    calls: float
    sent: float
    statements: list[str]


def counts(shape: Shape, goal: Level, endpoints: int) -> Counts:
    with begun(shape, endpoints) as (chain, connection, node):
        return count(chain, connection, node, shape, goal)


def count(
    chain: Chain, connection: Connection, node: HeadNode, shape: Shape, goal: Level, *, epochs: int = 3
) -> Counts:
    """Show a block every 12 seconds of a clock that only passes when the worker would rest, and count over the last."""
    clock, gate = Clock(), Gate(-1)
    with open_gated(connection, gate) as counted:
        loop = open_loop(chain, counted, node, goal, clock)
        before, sent, statements = (0, 0), 0, list[str]()
        for head in range(1, shape.blocks + 1):
            node.show(head)
            if head == shape.blocks - epochs * EPOCH + 1:
                before, sent = (node.requests, node.calls), 0
            end = clock.now + BLOCK_TIME
            while clock.now < end:
                gate.steps.clear()
                if loop.step():
                    statements = list(gate.steps)
                    sent += len(statements)
                else:
                    clock.now += LOOK
    blocks = epochs * EPOCH
    return Counts((node.requests - before[0]) / blocks, (node.calls - before[1]) / blocks, sent / blocks, statements)


def measure(rounds: int) -> list[Figure]:
    blocks = [
        ("bloom, 300 logs", BIG_BLOOM, Level.BLOOM, 1, 25.0, 10.0),
        ("proved, 300 logs, 200 receipts", BIG, Level.PROVED, 1, 100.0, 60.0),
        ("bloom dense, 300 logs", BIG, Level.BLOOM, 1, None, None),
        ("agreed, 300 logs, 3 endpoints", BIG, Level.AGREED, 3, None, None),
        ("claimed, 300 logs", BIG, Level.CLAIMED, 1, None, None),
        ("bloom, 300 logs, 3 endpoints", BIG_BLOOM, Level.BLOOM, 3, 25.0, 10.0),
        ("proved, 300 logs, 200 receipts, 3 endpoints", BIG, Level.PROVED, 3, 100.0, 60.0),
    ]
    figures = []
    for name, shape, goal, endpoints, floor, target in blocks:
        measured = [block_times(shape, goal, endpoints) for _ in range(rounds)]
        figures.append(
            Figure(
                name=f"head block, {name}",
                unit="ms",
                values=[median(each.taken) for each in measured],
                floor=floor,
                goal=target,
                at_most=True,
                note=f"{min(each.worked for each in measured):.2f} ms of the processor, "
                f"levels reached {measured[-1].levels}",
            )
        )
    rows = [
        ("bloom, 50 logs", SMALL_BLOOM, Level.BLOOM, 100.0, 400.0),
        ("proved, 50 logs", SMALL, Level.PROVED, None, None),
        ("claimed, 50 logs", SMALL, Level.CLAIMED, None, None),
    ]
    for name, shape, goal, floor, target in rows:
        found = [capacity(shape, goal) for _ in range(rounds)]
        worked, last = min(each.worked for each in found), found[-1]
        note = f"{worked:.2f} ms of the processor and {last.requests:.3f} requests a block, levels {last.levels}"
        speeds = [each.speed for each in found]
        figures.append(
            Figure(name=f"head capacity, {name}", unit="blocks/s", values=speeds, floor=floor, goal=target, note=note)
        )
    for endpoints in (1, 3):
        counted = counts(SMALL, Level.PROVED, endpoints)
        figures.append(
            Figure(
                name=f"head requests per block, {endpoints} endpoint{'s' * (endpoints > 1)}, a block every 12 s",
                unit="requests",
                values=[counted.requests],
                at_most=True,
                note=f"{counted.calls:.2f} JSON-RPC calls",
            )
        )
        if endpoints == 1:
            figures.append(
                Figure(
                    name="head statements per block",
                    unit="statements",
                    values=[counted.sent],
                    at_most=True,
                    note=" | ".join(counted.statements),
                )
            )
    return figures


def profiled() -> None:
    """Where the time of a block goes, without the database's and the node's own processes."""
    for name, work in (
        ("bloom, one block at a time", lambda: block_times(BIG_BLOOM, Level.BLOOM)),
        ("proved, one block at a time", lambda: block_times(BIG, Level.PROVED)),
        ("bloom, many blocks", lambda: capacity(SMALL_BLOOM, Level.BLOOM)),
    ):
        profile = cProfile.Profile()
        profile.runcall(work)
        print(f"--- {name}")
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="print where the time goes instead of figures")
    add_json_option(parser)
    options = parser.parse_args()
    call_command("migrate_schemas", shared=True, verbosity=0)
    if options.profile:
        profiled()
        return
    figures = measure(options.rounds)
    report(figures, options.json)
    for figure in figures:
        print(f"    {figure.name}: {figure.note}")
    print(f"    load {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
