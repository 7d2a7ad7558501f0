"""Other indexers, each for the same task in its own words: as its documentation shows it, and as fast as it lets us.

All read the Transfer logs of all contracts and keep those of watched pools as address, pool and first block, on the
same node and the same database server as Footprint. Slow ones read the beginning of the range only; rates are per log
read. Their versions are pinned in `<name>/package-lock.json`.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import psycopg

from benchmarks.made_chain import FIRST
from benchmarks.peers.packages import HERE, NODE, install
from benchmarks.races import Database, Run, Task, race
from benchmarks.stand_in import StandIn

HEX_PAIRS = "SELECT decode(substr(address, 3), 'hex'), decode(substr(pool, 3), 'hex'), block::bigint FROM {}"
POSITION_TABLE = """
CREATE TABLE position (id text PRIMARY KEY, address text NOT NULL, pool text NOT NULL, block int NOT NULL)
"""


class Peer(NamedTuple):
    """Another indexer; it reads the chain's first `blocks` unless told otherwise."""

    blocks: int
    run: Callable[[StandIn, Database, Task], Run]


def ponder(folder: str, name: str, **options: str) -> Callable[[StandIn, Database, Task], Run]:
    """A run of Ponder, which is done when it says that it is ready: all of the past is indexed."""

    def run(node: StandIn, database: Database, task: Task) -> Run:
        root = install(folder, "ponder")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        program = root / "node_modules" / "ponder" / "dist" / "esm" / "bin" / "ponder.js"
        command = [str(NODE), str(program), "start", "--schema", "ponder", "--port", str(port), "--log-level", "warn"]
        environment = environment_of(node, database, task) | {"PONDER_TELEMETRY_DISABLED": "true"} | options
        return race(
            name,
            [(command, root, environment)],
            node,
            database,
            task=task,
            query=HEX_PAIRS.format("ponder.position"),
            is_done=lambda: is_ready(port),
        )

    return run


def is_ready(port: int) -> bool:
    try:
        client = HTTPConnection("127.0.0.1", port, timeout=5)
        client.request("GET", "/ready")
        return client.getresponse().status == 200
    except OSError:
        return False
    finally:
        client.close()


def subsquid(node: StandIn, database: Database, task: Task) -> Run:
    """A run of Subsquid, which ends with the range."""
    root = install("subsquid", build=True)
    environment = environment_of(node, database, task)
    # It takes a socket's folder for a host, as PostgreSQL's own programs do.
    environment |= {"DB_HOST": database.host, "DB_PORT": database.port, "DB_NAME": database.name}
    environment |= {"DB_USER": database.user, "DB_PASS": database.password}
    with psycopg.connect(database.dsn) as owner:
        owner.execute(POSITION_TABLE)
    command = [str(NODE), "lib/main.js"]
    query = HEX_PAIRS.format("position")
    return race("Subsquid 1.27, RPC only", [(command, root, environment)], node, database, task=task, query=query)


def web3_bulk(name: str, **options: str) -> Callable[[StandIn, Database, Task], Run]:
    """A run of the plain program, which ends with the range."""

    def run(node: StandIn, database: Database, task: Task) -> Run:
        folder = HERE / "web3_bulk"
        environment = environment_of(node, database, task) | {"DATABASE_DSN": database.dsn} | options
        command = [sys.executable, "index.py"]
        query = "SELECT address, pool, block FROM position"
        return race(name, [(command, folder, environment)], node, database, task=task, query=query)

    return run


def environment_of(node: StandIn, database: Database, task: Task) -> dict[str, str]:
    """What the peers' sources read from their environment."""
    pools: Path = task.folder / "pools.json"
    pools.write_text(json.dumps(task.pools))
    return {
        **os.environ,
        "RPC_URL": node.url,
        "DATABASE_URL": database.url,
        "FIRST_BLOCK": str(FIRST + 1),
        "LAST_BLOCK": str(task.last),
        "POOLS": str(pools),
    }


PEERS = {
    "ponder": Peer(600, ponder("ponder_0_10", "Ponder 0.10, limiter opened", MOST_REQUESTS="100000")),
    "ponder-0.16": Peer(300, ponder("ponder_0_16", "Ponder 0.16")),
    "subsquid": Peer(2_500, subsquid),
    "web3": Peer(500, web3_bulk("web3.py + bulk_create", DECODED="1")),
    "web3-raw": Peer(500, web3_bulk("web3.py, raw logs + bulk_create")),
}
