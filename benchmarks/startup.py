"""What a worker takes to start, and what it holds in memory; what an import of watch lists takes.

    FOOTPRINT_SHARED=folder python -m benchmarks.startup [--jobs N] [--rounds N] [--json FILE]

Everything is measured from outside, with the real commands as processes. Recorded mainnet blocks (`mainnet/` in the
shared folder) stand in for the head and the real watch lists (`watchlists/`) for what is imported. It makes the chain
`benchmark`, and one for each watch list, in the database (DATABASE_URL, or the benchmarks' own) and removes them at the
end; a minute. What a worker holds while it reads the past is measured by benchmarks.backfill.

start to first block     from exec of `run_chain_worker` to the commit of the next block, its jobs loaded
…, ABI                   the same where every job is read by an ABI, with metadata
memory at the head       resident once that block is stored and the worker waits for the next
import, the command      `import_watches` of all lists, from exec to exit
import, itself           checking and writing the same, without the start of the command
import again             the command, where nothing changes
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from django.core.management import call_command
from django.db import connection as shared
from psycopg.conninfo import make_conninfo

from benchmarks.costs import resident_of
from benchmarks.figures import Figure, add_json_option, report
from benchmarks.jobs import import_list, made_up_list, new_chain, seconds, settle, shared_folder
from indexer.chains.connections import DJANGO_ONLY, Connection, connect
from indexer.chains.models import Chain
from indexer.chains.profiles import Finality
from indexer.chains.registry import add_chain, remove_chain
from indexer.positions.latest import LatestLoop
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.protocol.state import CURSOR
from indexer.positions.watchlist import read_watch_list
from indexer.rpc import Endpoint, EndpointPool, Node
from tests.recorded_node import RecordedNode, read_blocks

PROJECT = Path(__file__).resolve().parent.parent
PATIENCE = 120.0
MB = 1 << 20
LOOK_EVERY = 0.004
"""Seconds between two looks for what a worker has stored."""
ABI_EVENT = {
    "abi": "event Transfer(address indexed from, address indexed to, uint256 value)",
    "user": "to",
    "metadata": "value",
}


def command(*arguments: object, url: str = "") -> subprocess.Popen[bytes]:
    """`manage.py …` on this process's database; what it says is its own."""
    given = shared.get_connection_params()
    database = make_conninfo(**{key: value for key, value in given.items() if key not in DJANGO_ONLY})
    return subprocess.Popen(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": database, "LOG_LEVEL": "WARNING", "RPC_URLS_BENCHMARK": url},
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def worker(url: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    with command("run_chain_worker", "benchmark", *options, url=url) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def wait_for(connection: Connection, query: str, wanted: object) -> None:
    until = time.monotonic() + PATIENCE
    while connection.execute(query).fetchone() != (wanted,):
        if time.monotonic() > until:
            raise RuntimeError(f"not within {PATIENCE:.0f} s: {query} is {wanted}")
        time.sleep(LOOK_EVERY)


def measure_start(
    blocks: list[dict[str, Any]], jobs: int, rounds: int, event: object
) -> tuple[list[float], list[float]]:
    """Seconds until the first block is stored, and megabytes resident a second later."""
    first = int(blocks[0]["block"]["number"], 16)
    taken, held = [], []
    with (
        new_chain() as chain,
        connect(chain) as connection,
        RecordedNode(blocks, head=first, finalized=first, chain_id=chain.chain_id) as node,
    ):
        import_list(connection, made_up_list(chain, blocks, jobs, event), first)
        pool = EndpointPool([Node(Endpoint(node.url, "recorded-1"))])
        settle(chain, connection, LatestLoop(chain.slug, connection, pool, Finality(64, "finalized")))
        for node.head in range(first + 1, first + 1 + rounds):
            began = time.perf_counter()
            with worker(node.url) as process:
                wait_for(connection, f"SELECT value FROM settings WHERE key = '{CURSOR}'", node.head)
                taken.append(time.perf_counter() - began)
                time.sleep(1)
                held.append(resident_of(process.pid) / MB)
    return taken, held


@contextmanager
def new_chains(files: list[Path]) -> Iterator[list[Chain]]:
    """A chain for each watch list, removed at the end."""
    chains: list[Chain] = []
    try:
        for file in files:
            chain, new = add_chain(file.stem, None, None)
            if not new:
                raise SystemExit(f"a chain {chain} is there already: remove it with manage.py remove_chain {chain}")
            chains.append(chain)
        yield chains
    finally:
        for chain in chains:
            remove_chain(chain)


def import_by_command(files: list[Path]) -> float:
    def work() -> None:
        with command("import_watches", *files) as process:
            if process.wait(PATIENCE):
                raise RuntimeError("the import has failed")

    return seconds(work)


def import_here(files: list[Path], chains: list[Chain]) -> float:
    def work() -> None:
        for file, chain in zip(files, chains, strict=True):
            watch_list = read_watch_list(msgspec.json.decode(file.read_bytes()), chain_id=chain.chain_id)
            with connect(chain) as connection:
                import_watch_list(connection, watch_list, source="default", chain_floor=chain.floor, prune=False)

    return seconds(work)


def measure_imports(files: list[Path], rounds: int) -> Iterator[Figure]:
    first, again, itself = [], [], []
    for _ in range(rounds):
        with new_chains(files):
            first.append(import_by_command(files))
            again.append(import_by_command(files))
        with new_chains(files) as chains:
            itself.append(import_here(files, chains))
    note = f"{len(files)} lists"
    yield Figure(name="import, the command", unit="s", values=first, floor=10, goal=2, at_most=True, note=note)
    yield Figure(name="import, itself", unit="s", values=itself, at_most=True)
    yield Figure(name="import again", unit="s", values=again, at_most=True, note="nothing changes")


def measure(folder: Path, jobs: int, rounds: int) -> Iterator[Figure]:
    blocks = read_blocks(folder)
    for name, event, bounds in (("", "Transfer", (3.0, 1.0)), (", ABI", ABI_EVENT, (None, None))):
        taken, held = measure_start(blocks, jobs, rounds, event)
        note = f"{jobs:,} jobs"
        floor, goal = bounds
        yield Figure(
            name=f"start to first block{name}",
            unit="s",
            values=taken,
            floor=floor,
            goal=goal,
            at_most=True,
            note=note,
        )
        yield Figure(name=f"memory at the head{name}", unit="MB", values=held, at_most=True, note=note)
    yield from measure_imports(sorted((folder / "watchlists").glob("*.json")), rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a worker takes to start, and an import.")
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    add_json_option(parser)
    options = parser.parse_args()
    folder = shared_folder()
    call_command("migrate_schemas", shared=True, verbosity=0)
    report(measure(folder, options.jobs, options.rounds), options.json)


if __name__ == "__main__":
    main()
