"""How the work on a block depends on the number of jobs: it should not.

    FOOTPRINT_SHARED=folder python -m benchmarks.jobs [--sizes 10,100,…] [--json FILE]

Recorded mainnet blocks (`mainnet/` in that folder) go through the real latest loop, block by block, with 10 to 100,000
jobs: all contracts that log a Transfer in them, and made-up ones. It makes the chain `benchmark` in the database
(DATABASE_URL, or the benchmarks' own) and removes it at the end; a minute. Times are in milliseconds.

imported    the watch list, once
taken_up    the jobs become live and their past, one block, is read, once
match       find the touches in the logs of one block
block       one step of the latest loop: header and logs from the node, match, commit
idle        one step that finds nothing new
plan        look for jobs whose past waits, every ten seconds
coverage    recompute what answers say of completeness: when jobs change, a scan ends or the chain reorganizes
statements  sent to the database for one block

A block with few jobs has fewer matches to store; with 1,000 and more all of its Transfers are.
"""

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from django.core.management import call_command

from benchmarks.figures import Figure, add_json_option, report
from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.chains.profiles import Finality
from indexer.chains.registry import add_chain, remove_chain
from indexer.positions.historic import HistoricLoop
from indexer.positions.latest import LatestLoop
from indexer.positions.protocol.coverage import refresh_coverage
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.protocol.jobs import read_live_jobs
from indexer.positions.protocol.scans import close_scans
from indexer.positions.protocol.state import lock_state
from indexer.positions.watch import WatchIndex
from indexer.positions.watchlist import read_watch_list
from indexer.rpc import Endpoint, EndpointPool, Log, Node
from tests.positions.racing import Gate, open_gated
from tests.recorded_node import RecordedNode, read_blocks

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
SIZES = (10, 100, 1_000, 10_000, 100_000)
ALL_MATCH = 1_000
"""Jobs from which on every Transfer of the recorded blocks has one."""
REPEATS = 100
GROWING = ("imported", "taken_up", "coverage")
"""What is done once for all jobs, and may take as long as there are jobs."""


class Figures(NamedTuple):
    """Seconds of each round, but for `jobs`; `statements` are those of one block, in order."""

    jobs: int
    imported: list[float]
    taken_up: list[float]
    match: list[float]
    block: list[float]
    idle: list[float]
    plan: list[float]
    coverage: list[float]
    statements: list[str]


def made_up_list(chain: Chain, blocks: list[dict[str, Any]], jobs: int, event: object = "Transfer") -> dict[str, Any]:
    """A watch list of as many contracts, first those that log a Transfer in the blocks, the busiest before others."""
    logs = (log for block in blocks for receipt in block["receipts"] for log in receipt["logs"])
    real = [
        contract
        for contract, _ in Counter(log["address"] for log in logs if log["topics"][:1] == [TRANSFER]).most_common()
    ]
    contracts = [*real, *(f"0x{number:040x}" for number in range(1, jobs + 1))][:jobs]
    watches = [{"protocol": "made-up", "product": "pool", "event": event, "contracts": contracts}]
    return {"chain": chain.slug, "chain_id": chain.chain_id, "watches": watches}


def import_list(connection: Connection, made_up: dict[str, Any], floor: int) -> None:
    import_watch_list(connection, read_watch_list(made_up), source="benchmark", chain_floor=floor, prune=False)


def measure(chain: Chain, blocks: list[dict[str, Any]], jobs: int) -> Figures:
    """Take the blocks through the latest loop of an empty chain with as many jobs."""
    first = int(blocks[0]["block"]["number"], 16)
    made_up = made_up_list(chain, blocks, jobs)
    # A gate that never closes counts what passes it.
    gate = Gate(-1)
    with (
        RecordedNode(blocks, head=first, finalized=first) as recorded,
        connect(chain) as connection,
        open_gated(connection, gate) as counted,
    ):
        imported = seconds(lambda: import_list(connection, made_up, first))
        pool = EndpointPool([Node(Endpoint(recorded.url, "recorded-1"))])
        # On a clock that stands still, what is done every ten seconds is done once; it is measured by itself.
        latest = LatestLoop(chain.slug, counted, pool, Finality(64, "finalized"), clock=lambda: 0.0)
        taken_up = seconds(lambda: settle(chain, connection, latest))
        taken, statements = [], []
        for recorded.head in range(first + 1, first + len(blocks)):
            gate.steps.clear()
            taken.append(seconds(latest.step))
            statements.append(list(gate.steps))
        if any(sent != statements[0] for sent in statements):
            raise RuntimeError("some blocks took other statements than others")
        index = WatchIndex(read_live_jobs(connection).jobs)
        logs = msgspec.convert([log for each in blocks[0]["receipts"] for log in each["logs"]], list[Log])
        return Figures(
            jobs=jobs,
            imported=[imported],
            taken_up=[taken_up],
            match=[seconds(lambda: index.match(logs)) for _ in range(REPEATS)],
            block=taken,
            idle=[seconds(latest.step) for _ in range(REPEATS)],
            plan=[seconds(lambda: close_scans(connection)) for _ in range(5)],
            coverage=[seconds(lambda: cover(connection)) for _ in range(5)],
            statements=statements[0],
        )


def settle(chain: Chain, connection: Connection, latest: LatestLoop) -> None:
    """Run both loops until they have nothing to do."""
    while latest.step():
        pass
    with closing(HistoricLoop(str(chain.slug), connection, latest.pool, "benchmark")) as historic:
        while historic.step():
            pass


def cover(connection: Connection) -> None:
    with connection.transaction(), connection.cursor() as cur:
        lock_state(cur)
        refresh_coverage(cur)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def new_chain() -> Iterator[Chain]:
    """The chain `benchmark`, removed at the end."""
    chain, new = add_chain("benchmark", 999_999_999, None)
    if not new:
        raise SystemExit("a chain `benchmark` is there already: remove it with manage.py remove_chain benchmark")
    try:
        yield chain
    finally:
        remove_chain(chain)


def show(figures: Figures) -> Iterator[Figure]:
    for name in Figures._fields[1:-1]:
        yield Figure(
            name=f"{name}, {figures.jobs:,} jobs",
            unit="ms",
            values=[each * 1000 for each in getattr(figures, name)],
            at_most=True,
            note="grows with the jobs: done once for all of them" if name in GROWING else "",
            series=name,
            x=figures.jobs,
        )
    yield Figure(
        name=f"statements, {figures.jobs:,} jobs",
        unit="a block",
        values=[len(figures.statements)],
        at_most=True,
        series="statements",
        x=figures.jobs,
    )


def compare(found: Sequence[Figures]) -> Iterator[Figure]:
    """How much more a block costs with the most jobs than with the fewest of which all its Transfers are."""
    few, most = next((each for each in found if each.jobs >= ALL_MATCH), found[-1]), found[-1]
    yield Figure(
        name=f"cost of a block, {most.jobs:,} jobs over {few.jobs:,}",
        unit="times",
        values=[many / one for one, many in zip(few.block, most.block, strict=True)],
        at_most=True,
        goal=1.0,
        floor=1.5,
        note="the same blocks, one by one",
    )


def shared_folder() -> Path:
    folder = os.environ.get("FOOTPRINT_SHARED")
    if not folder:
        raise SystemExit("FOOTPRINT_SHARED is not set: it names the folder of recorded blocks and watch lists")
    return Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description="How the work on a block depends on the number of jobs.")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of jobs, with commas between")
    add_json_option(parser)
    options = parser.parse_args()
    blocks = read_blocks(shared_folder())
    call_command("migrate_schemas", shared=True, verbosity=0)
    found = []
    for jobs in sorted(map(int, options.sizes.split(","))):
        with new_chain() as chain:
            found.append(measure(chain, blocks, jobs))
    report([figure for figures in found for figure in show(figures)] + list(compare(found)), options.json)


if __name__ == "__main__":
    main()
