"""How fast the past is read: all Transfer logs of a range, kept as address, pool and first block where watched.

    python -m benchmarks.backfill [--blocks 5000] [--logs-per-block 100] [--new-share 0.5] [--rounds 3] [--peers ponder]
    python -m benchmarks.backfill --new-shares 0.02 0.1 0.5
    python -m benchmarks.backfill --latencies 0 50 200

A stand-in node of a made-up chain (`benchmarks.stand_in`), the configured PostgreSQL server (DATABASE_URL, or the
benchmarks' own) and the indexer share this machine. Every run has a database of its own, and its rows are compared with
the pairs that the chain holds. Measured is from the first question for logs until the last commit, for Footprint the
one that claims complete coverage. With `--peers` others do the same on the same node and server, in turns, some of
them on the beginning of the range only; see `benchmarks/peers`. Processor seconds are per million logs read. Several
shares of new pairs, or latencies of the node in ms, are measured one after the other.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec
import psycopg
from psycopg import sql

from benchmarks.figures import Figure, add_json_option, report
from benchmarks.made_chain import CHAIN_ID, FIRST, Columns, Shape, draw, truth
from benchmarks.made_json import TRANSFER
from benchmarks.made_node import Caps
from benchmarks.peers import PEERS
from benchmarks.races import Database, Run, Task, new_database, race
from benchmarks.stand_in import ROOT, Client, StandIn, add_chain_options, measure_ceiling, shape_of, start
from indexer.chains.models import schema_of

SLUG = "ethereum"
DATABASE = "footprint_backfill"
PREPARED = "footprint_backfill_prepared"
MANAGE = (sys.executable, "manage.py")
PAIRS = "SELECT address, contract_address, first_block FROM {}.logs JOIN {}.jobs ON jobs.id = job_id"
COMPLETE = "SELECT (value->>'complete')::boolean FROM {}.settings WHERE key = 'coverage'"
BEHIND = 100
DECODED = 100
"""Blocks whose logs one answer holds that is decoded for comparison."""


class Entrant(NamedTuple):
    """Who takes part: `run` reads the chain's first blocks, `blocks` of them, into a copy of a database."""

    blocks: int
    template: str
    run: Callable[[StandIn, Database, Task], Run]


class Setting(NamedTuple):
    """One of several in which the same is measured: what is added to names, and its place on a plot."""

    words: str = ""
    x: float | None = None


class TwoFields(msgspec.Struct, gc=False):
    """What the task needs of a log at least; left out of Python's garbage collection, which would take a third."""

    address: str
    topics: list[str]


class TwoFieldAnswer(msgspec.Struct):
    result: list[TwoFields]


def footprint(processes: int, level: str) -> Callable[[StandIn, Database, Task], Run]:
    """A run of Footprint in a database that is prepared: with so many historic workers."""

    def run(node: StandIn, database: Database, task: Task) -> Run:
        urls = node.urls if level == "agreed" else node.urls[:1]
        worker = [*MANAGE, "run_chain_worker", SLUG, "--only=historic", "--until-synced", f"--level={level}"]
        schema = sql.Identifier(schema_of(SLUG))
        with psycopg.connect(database.dsn, autocommit=True) as reader:

            def is_done() -> bool:
                return reader.execute(sql.SQL(COMPLETE).format(schema)).fetchone() == (True,)

            return race(
                f"footprint, {level}, {processes} process{'es' if processes > 1 else ''}",
                [(worker, ROOT, environment_of(database, urls))] * processes,
                node,
                database,
                task=task,
                query=sql.SQL(PAIRS).format(schema, schema).as_string(),
                is_done=is_done,
            )

    return run


def prepare(node: StandIn, database: Database, task: Task) -> None:
    """Make a chain that watches the pools, and let the latest loop take them up: their past is left to read."""
    watch_list = task.folder / "watch_list.json"
    watch_list.write_bytes(write_watch_list(task.pools))
    for command in (
        ["migrate_schemas", "--shared"],
        ["add_chain", SLUG, f"--start-block={FIRST}"],
        ["import_watches", str(watch_list)],
        ["run_chain_worker", SLUG, "--only=latest", "--until-synced"],
    ):
        environment = environment_of(database, node.urls[:1])
        done = subprocess.run([*MANAGE, *command], cwd=ROOT, env=environment, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"manage.py {command[0]} failed:\n{done.stdout.decode()}{done.stderr.decode()}")


def environment_of(database: Database, urls: Iterable[str]) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": database.dsn, f"RPC_URLS_{SLUG.upper()}": ",".join(urls)}


def write_watch_list(pools: Iterable[str]) -> bytes:
    watches = [{"protocol": "made-up", "product": "pool", "event": "Transfer", "contracts": list(pools)}]
    return msgspec.json.encode({"chain": SLUG, "chain_id": CHAIN_ID, "watches": watches})


def decode_rate(node: StandIn, seconds: float = 0.5) -> float:
    """Logs a second that one core decodes with msgspec, two fields of each, of an answer of this node."""
    criteria = {"fromBlock": hex(FIRST), "toBlock": hex(FIRST + DECODED - 1), "topics": ["0x" + TRANSFER.hex()]}
    with Client(node.url) as client:
        body = client.post({"method": "eth_getLogs", "params": [criteria]})
    decoder = msgspec.json.Decoder(TwoFieldAnswer)
    logs = times = 0
    began = time.process_time()  # a core's own time: others may use the machine
    while times < 2 or time.process_time() - began < seconds:
        logs += len(decoder.decode(body).result)
        times += 1
    return logs / (time.process_time() - began)


def figures_of(runs: Sequence[Run], decoded: Sequence[float], setting: Setting) -> list[Figure]:
    """What is told of one entrant's rounds; `decoded` are the decode rates around each."""
    name = runs[0].name + setting.words

    def per_million(what: str) -> list[float]:
        return [getattr(run, what) / run.logs * 1e6 for run in runs]

    unequal = [run for run in runs if not run.equal]
    note = f"{unequal[0].missing:,} pairs missing, {unequal[0].wrong:,} wrong" if unequal else ""
    return [
        Figure(
            name=f"backfill, {name}",
            unit="logs/s",
            values=[run.rate for run in runs],
            note=note,
            series=runs[0].name,
            x=setting.x,
        ),
        Figure(
            name=f"backfill, {name}, of the decode rate",
            unit="x",
            values=[run.rate / rate for run, rate in zip(runs, decoded, strict=True)],
        ),
        Figure(
            name=f"requests, {name}", unit="per block", values=[run.posts / run.blocks for run in runs], at_most=True
        ),
        Figure(name=f"processor, {name}", unit="s/million", values=per_million("cpu"), at_most=True),
        Figure(name=f"processor of PostgreSQL, {name}", unit="s/million", values=per_million("database_cpu")),
        Figure(name=f"processor of the node, {name}", unit="s/million", values=per_million("node_cpu")),
        Figure(name=f"memory, {name}", unit="MB", values=[run.memory / 1e6 for run in runs], at_most=True),
    ]


def compare(runs: dict[str, list[Run]], setting: Setting) -> list[Figure]:
    """Footprint's rate in the same rounds as a multiple of every other's."""
    ours = {name: rounds for name, rounds in runs.items() if name.startswith("footprint")}
    return [
        Figure(
            name=f"{name} against {other}{setting.words}",
            unit="x",
            values=[mine.rate / theirs.rate for mine, theirs in zip(rounds, others, strict=True)],
        )
        for name, rounds in ours.items()
        for other, others in runs.items()
        if other not in ours
    ]


def entrants_of(options: argparse.Namespace, shape: Shape) -> list[Entrant]:
    ours = [
        Entrant(shape.blocks, PREPARED, footprint(processes, level))
        for level in options.level
        for processes in options.processes
    ]
    others = []
    for name in options.peers:
        peer = PEERS[name]
        # What a peer takes for final lies some way behind the head.
        blocks = min(options.peer_blocks or peer.blocks, shape.blocks - BEHIND)
        others.append(Entrant(blocks, "template1", peer.run))
    return ours + others


def take_turns(
    options: argparse.Namespace, shape: Shape, setting: Setting, node: StandIn, folder: Path
) -> list[Figure]:
    """All entrants once a round; what came of it."""
    columns = draw(shape)
    runs: dict[str, list[Run]] = defaultdict(list)
    decoded: dict[str, list[float]] = defaultdict(list)
    entrants = entrants_of(options, shape)
    tasks = [task_of(shape, columns, entrant.blocks, folder, options.seconds) for entrant in entrants]
    with new_database(PREPARED) as prepared:
        prepare(node, prepared, tasks[0])
        for _ in range(options.rounds):
            for entrant, task in zip(entrants, tasks, strict=True):
                # The machine's speed changes by the minute: before and after a run tell of its own.
                before = decode_rate(node)
                with new_database(DATABASE, entrant.template) as database:
                    run = entrant.run(node, database, task)
                decoded[run.name].append((before + decode_rate(node)) / 2)
                per_block = run.posts / run.blocks
                equal = "" if run.equal else f", {run.missing:,} pairs missing, {run.wrong:,} wrong"
                print(f"  {run.name}: {run.rate:,.0f} logs/s, {per_block:.4f} requests per block{equal}", flush=True)
                runs[run.name].append(run)
                if entrant.template == PREPARED and not run.equal:
                    raise SystemExit(f"{run.name} stored other pairs than there are")
    ceiling = [measure_ceiling(node, clients=1, seconds=1) for _ in range(3)]
    found = [
        Figure(name=f"stand-in node, to a client that only reads{setting.words}", unit="logs/s", values=ceiling),
        Figure(name=f"msgspec, two fields, one core{setting.words}", unit="logs/s", values=[*chain(*decoded.values())]),
    ]
    for name, rounds in runs.items():
        found += figures_of(rounds, decoded[name], setting)
    return [*found, *compare(runs, setting)]


def task_of(shape: Shape, columns: Columns, blocks: int, folder: Path, seconds: float) -> Task:
    pools = ["0x" + contract.tobytes().hex() for contract in columns.contracts[: shape.pools]]
    last = FIRST + blocks - 1
    return Task(last, int(columns.starts[blocks]), pools, truth(shape, columns, last), folder, seconds)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How fast the past is read.")
    add_chain_options(parser)
    add_json_option(parser)
    several = parser.add_mutually_exclusive_group()
    several.add_argument("--new-shares", type=float, nargs="+", metavar="SHARE", help="instead of --new-share")
    several.add_argument("--latencies", type=float, nargs="+", metavar="MS", help="instead of --latency-ms")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--level", nargs="+", default=["claimed"], choices=["claimed", "agreed"])
    parser.add_argument("--peers", nargs="*", default=[], choices=list(PEERS), help="none named: all of them")
    parser.add_argument("--peer-blocks", type=int, help="read by each peer (default: what takes it some ten seconds)")
    parser.add_argument("--seconds", type=float, default=300, help="after which one run is given up")
    options = parser.parse_args()
    if "--peers" in sys.argv and not options.peers:
        options.peers = list(PEERS)
    return options


def main() -> None:
    options = parse_options()
    if options.new_shares:
        settings = [(share, options.latency_ms, Setting(f", {share:.0%} new", share)) for share in options.new_shares]
    elif options.latencies:
        settings = [
            (options.new_share, latency, Setting(f", {latency:g} ms", latency)) for latency in options.latencies
        ]
    else:
        settings = [(options.new_share, options.latency_ms, Setting())]
    caps = Caps(options.max_logs, options.max_blocks)
    endpoints = 2 if "agreed" in options.level else 1
    found: list[Figure] = []
    for share, latency, setting in settings:
        shape = shape_of(options)._replace(new_share=share)
        print(f"{share:.0%} of the logs new pairs, {latency:g} ms:", flush=True)
        with (
            tempfile.TemporaryDirectory(prefix="footprint-backfill-") as folder,
            start(shape, caps, endpoints=endpoints, latency_ms=latency, gzip=options.gzip) as node,
        ):
            found += take_turns(options, shape, setting, node, Path(folder))
    report(found, options.json)


if __name__ == "__main__":
    main()
