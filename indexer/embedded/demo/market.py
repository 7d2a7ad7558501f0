"""The demo's market: a stand-in for the off-chain APIs at their true size, and every task, one after the other."""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from eth_utils.address import to_checksum_address

from indexer.chains.models import Chain
from indexer.embedded.chain.world import World
from indexer.market.live import CHARTS
from indexer.tasks.declaring import Priority
from indexer.tasks.models import TaskRun
from indexer.tasks.queueing import enqueue
from indexer.tasks.states import OVER, RunState
from indexer.workers.live_changes import set_value

from .steps import DemoError, say

TASKS = (
    "sync-chains",
    "sync-protocols",
    "sync-pools",
    "map-contracts",
    "create-snapshots",
    "sync-historical",
    "cleanup-old-data",
)
"""Each needs what those before it have brought."""
TRUE_SIZE, SMALL = "true", "small"
SIZES = (TRUE_SIZE, SMALL)
ACTOR = "demo"
SMALL_CHARTS = 50
"""Pools of a small market whose history is read."""
FALSE_META = "a pair that it is not: "

# By the addresses that were served as pools: what the mapping made of them.
CONFIDENCES = """
SELECT p.pool_meta, m.address, m.confidence, m.refuted
  FROM contract_mappings m JOIN pools p ON p.id = m.pool_id
 WHERE m.kind = 'pool' AND m.chain_id = %s
"""


def serving(port: int, contracts: Path, size: str) -> list[str]:
    """The command of the stand-in; `size` is one of SIZES."""
    options = ("--port", str(port), "--size", size, "--contracts", str(contracts))
    return [sys.executable, "-m", "tests.standin", *options]


def standing_in(base_url: str) -> dict[str, str]:
    """The settings by which the stand-in is asked in place of the APIs, as a local server may be asked."""
    hosts = ("DEFILLAMA_URL", "DEFILLAMA_YIELDS_URL", "DEFILLAMA_PRO_URL")
    # Keys of other services would have them asked about contracts that are made up.
    keys = {"DEFILLAMA_API_KEY": "demo", "ALCHEMY_API_KEY": "", "MORALIS_API_KEY": ""}
    return {**dict.fromkeys(hosts, base_url), **keys, "API_RATE_LIMIT_MS": "1"}


def write_contracts(file: Path, worlds: dict[str, World]) -> None:
    """The contracts of the local chains as pools of the source: true ones, and one of each chain that is none."""
    file.write_text(json.dumps([entry for slug, world in worlds.items() for entry in list_contracts(slug, world)]))


def list_contracts(slug: str, world: World) -> list[dict[str, Any]]:
    def entry(address: str, symbol: str, *underlying: str, meta: str = "") -> dict[str, Any]:
        # Chains of the same history have contracts of the same address, but pools of their own.
        name = sha256(f"{slug} {address} {meta}".encode()).digest()[:16]
        return {
            "id": str(UUID(bytes=name, version=4)),
            "chain": slug,
            "chain_id": world.chain_id,
            "address": address.lower(),
            "symbol": symbol,
            "underlying": [token.lower() for token in underlying],
            "meta": meta or None,
        }

    def tokens_of(pair: str) -> list[str]:
        return [world.tokens[symbol] for symbol in pair.split("/")]

    pairs = [entry(address, name.replace("/", "-"), *tokens_of(name)) for name, address in world.pairs.items()]
    (first, address), (second, _) = list(world.pairs.items())[:2]
    vault = entry(world.vault, "WETH", world.tokens["WETH"])
    # The source names the first pair's address for what is made of the second pair's tokens.
    false = entry(address, second.replace("/", "-"), *tokens_of(second), meta=f"{FALSE_META}{first}")
    return [*pairs, vault, false]


class Market:
    """Puts the tasks into the line, each when the one before it is over; `size` is one of SIZES."""

    def __init__(self, size: str) -> None:
        charts = SMALL_CHARTS if size == SMALL else int(CHARTS.default)
        set_value(CHARTS.name, charts, actor=ACTOR, why=f"the size of the market: {size}")
        self.waiting = list(TASKS)
        self.runs: list[TaskRun] = []

    @property
    def is_over(self) -> bool:
        return not self.waiting and all(run.state in OVER for run in self.runs)

    def step(self) -> None:
        """Look at the run that is on; put the next one into the line. Raises DemoError for one that fails."""
        if self.runs and self.runs[-1].state not in OVER:
            self.runs[-1].refresh_from_db()
            if self.runs[-1].state not in OVER:
                return
            say(describe(self.runs[-1]))
        if self.runs and self.runs[-1].state != RunState.SUCCEEDED:
            raise DemoError(f"{self.runs[-1].task} has {self.runs[-1].state}: {self.runs[-1].error}")
        if self.waiting:
            self.runs.append(enqueue(self.waiting.pop(0), {}, actor=ACTOR, priority=Priority.HIGH))


def describe(run: TaskRun) -> str:
    took = (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else 0.0
    counts = ", ".join(
        f"{number:,} {words}"
        for words in ("created", "changed", "unchanged", "vanished", "rejected")
        if (number := getattr(run, words))
    )
    return f"{run.task}: {run.state} after {took:.1f} s; {counts or 'nothing to do'}"


class Mapped(NamedTuple):
    """What became of the local chains' contracts: how many were found for sure, and what is wrong with the others."""

    verified: int
    wrong: list[str]


def judge_mappings(chains: dict[str, tuple[Chain, World]]) -> Mapped:
    """Every true contract must be verified on its chain, and what is none must not pass for one."""
    verified, wrong = 0, []
    for slug, (tenant, world) in chains.items():
        with connection.cursor() as cursor:
            cursor.execute(CONFIDENCES, [tenant.chain_id])
            rows = cursor.fetchall()
        found = {address: confidence for meta, address, confidence, _ in rows if meta is None}
        false = [row for row in rows if row[0] is not None]
        for address in (each["address"] for each in list_contracts(slug, world) if each["meta"] is None):
            confidence = found.get(address)
            if confidence == 1.0:
                verified += 1
            else:
                wrong.append(f"{slug}: {to_checksum_address(address)} is mapped with {confidence}, not with 1.0")
        if len(false) != 1 or false[0][2] > 0.2 or not false[0][3]:
            wrong.append(f"{slug}: the contract that is no such pool is not refuted: {false}")
    return Mapped(verified, wrong)
