"""What the pending past will take, before it starts."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from time import sleep
from typing import Any, NamedTuple

from django.core.management.base import CommandError

from indexer.chains.command import FootprintCommand
from indexer.chains.connections import Connection, connect
from indexer.chains.endpoints import open_node
from indexer.chains.models import Chain
from indexer.chains.profiles import finality_of
from indexer.chains.registry import find_chain
from indexer.positions.definition import Definition
from indexer.positions.estimate import (
    Cost,
    Need,
    Stretch,
    cheapest_cost,
    count,
    cut,
    measure,
    price,
)
from indexer.positions.live import RANGES_AT_ONCE
from indexer.positions.protocol.coverage import READ
from indexer.positions.protocol.jobs import COLUMNS
from indexer.positions.protocol.scans import PIECES, SMALLEST
from indexer.positions.questions import Way, ways_to_ask
from indexer.positions.sampler import Sampler
from indexer.positions.spans import unite
from indexer.rpc import Node, RpcError

POINTS = 5
"""Points of the past that are sampled."""

ROW = "{:>27}  {:>12}  {:>8}  {:<10}  {:>10}  {:>10}  {:>8}"
WAITING = "SELECT 1 FROM jobs WHERE enabled AND NOT retired AND live_from IS NULL LIMIT 1"
# What close_scans would plan and what is still to read in unfinished scans, with the jobs that wait for their take-up
# or for a delay to pass.
PENDING = f"""
WITH {READ}, pending AS (
    SELECT {COLUMNS}, int8multirange(int8range(floor, greatest(floor, coalesce(live_from, %(final)s::bigint + 1))))
           - covered - coalesce(scanned.blocks, '{{}}') AS need
    FROM jobs LEFT JOIN scanned ON scanned.job_id = jobs.id
    WHERE enabled AND NOT retired
)
SELECT {COLUMNS}, need FROM pending WHERE NOT isempty(need)
"""


class Part(NamedTuple):
    """A stretch of the past with what its cheapest way will cost."""

    stretch: Stretch
    cost: Cost


class Command(FootprintCommand):
    help = (
        "Say how many requests, bytes and hours reading the pending past of a chain will take. A few dozen requests "
        "for small ranges are made and the rest is extrapolated; nothing is written, and the worker may be running."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the chain")
        parser.add_argument(
            "--in-flight",
            type=int,
            default=RANGES_AT_ONCE,
            metavar="N",
            help="requests at the same time, of all workers together (default %(default)s, those of one worker)",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        chain = find_chain(options["slug"])
        if options["in_flight"] < 1:
            raise CommandError("--in-flight is at least 1")
        with connect(chain) as connection:
            waiting = connection.execute(WAITING).fetchone()
            node = open_node(chain.slug, chain.chain_id, sleep) if waiting else None
            needs = read_needs(connection, read_final(node, chain) if node else None)
        if not needs:
            nothing = {"chain": chain.slug, "jobs": 0, "blocks": 0, "requests": 0, "bytes": 0, "hours": 0, "parts": []}
            self.stdout.write(
                json.dumps(nothing) if options["json"] else f"{chain}: nothing is pending, every job's past is read"
            )
            return
        sampler = Sampler(node or open_node(chain.slug, chain.chain_id, sleep))
        longest = max(SMALLEST, -(-count(unite(need.blocks for need in needs)) // PIECES))
        parts = estimate(sampler, cut(needs, POINTS), longest)
        plan = describe(chain, needs, parts, sampler, options["in_flight"])
        if options["json"]:
            self.stdout.write(json.dumps(plan, indent=2))
        else:
            self.write_table(plan)

    def write_table(self, plan: dict[str, Any]) -> None:
        self.stdout.write(
            f"{plan['chain']}: {plan['jobs']:,} jobs need {plan['blocks']:,} blocks of the past; "
            f"{plan['in_flight']} requests in flight"
        )
        self.stdout.write(ROW.format("from-to", "blocks", "jobs", "way", "requests", "bytes", "hours"))
        for part in plan["parts"]:
            self.write_row(f"{part['first']:,}-{part['last']:,}", part, part["way"])
        self.write_row("in all", plan, "")
        for assumption in plan["assumptions"]:
            self.stdout.write(f"assumed: {assumption}")

    def write_row(self, where: str, of: dict[str, Any], way: str) -> None:
        blocks, jobs, requests = (f"{of[key]:,}" for key in ("blocks", "jobs", "requests"))
        self.stdout.write(ROW.format(where, blocks, jobs, way, requests, show_bytes(of["bytes"]), f"{of['hours']:.2f}"))


def read_needs(connection: Connection, final: int | None) -> list[Need]:
    """Every enabled job's blocks that nobody has read; `final` bounds those of jobs that wait for their take-up."""
    rows = connection.execute(PENDING, {"final": final})
    return [
        Need(Definition(bytes(contract), bytes(topic0), *rest), [(part.lower, part.upper - 1) for part in need])
        for contract, topic0, *rest, need in rows
    ]


def read_final(node: Node, chain: Chain) -> int:
    """The node's final block. Raises RpcError."""
    finality = finality_of(chain.slug, chain.chain_id)
    header = node.header(finality.tag or "latest")
    if header is None:
        raise RpcError("null for its final block", endpoint=node.endpoint.label)
    return header.number if finality.tag else max(0, header.number - finality.depth)


def estimate(sampler: Sampler, stretches: Sequence[Stretch], longest: int) -> list[Part]:
    """Sample every stretch both ways, then price them all by what was learned. Raises RpcError when no way answers."""
    found: list[tuple[Stretch, Way, float]] = []
    for stretch in stretches:
        for way in ways_to_ask(stretch.definitions):
            density = sampler.sample(stretch, way)
            if density is not None:
                found.append((stretch, way, density))
    for stretch, way, density in found:
        sampler.look_for_cap(stretch, way, density, longest)
    parts = []
    for stretch in stretches:
        costs = [
            price(way, stretch.blocks, density, sampler.cap(way), longest, measure(sampler.samples))
            for place, way, density in found
            if place is stretch
        ]
        if not costs:
            words = "; ".join(sorted(set(sampler.refusals.values()))) or "every range was too large"
            raise RpcError(f"blocks {stretch.at:,}-{stretch.until:,} could not be sampled: {words}")
        parts.append(Part(stretch, cheapest_cost(costs)))
    return parts


def describe(chain: Chain, needs: list[Need], parts: list[Part], sampler: Sampler, in_flight: int) -> dict[str, Any]:
    """The plan as it is printed with --json."""
    seconds = sum(part.cost.seconds for part in parts) / in_flight
    assumptions = [
        f"every stretch is like the middle of it; {sampler.requests} requests were made to see that",
        "the node answers as fast when it is asked several things at once, and refuses no more than it did",
    ]
    assumptions += [
        f"ranges {name} of at most {cap:,} blocks: the node finds more too large" for name, cap in sampler.caps.items()
    ]
    assumptions += [f"not {name}: {words}" for name, words in sampler.refusals.items()]
    return {
        "chain": chain.slug,
        "jobs": len(needs),
        "blocks": sum(part.stretch.blocks for part in parts),
        "requests": sum(part.cost.requests for part in parts),
        "bytes": sum(part.cost.bytes for part in parts),
        "hours": seconds / 3600,
        "in_flight": in_flight,
        "parts": [
            {
                "first": stretch.first,
                "last": stretch.last,
                "blocks": stretch.blocks,
                "jobs": len(stretch.definitions),
                "way": cost.way,
                "range_blocks": cost.range_blocks,
                "requests": cost.requests,
                "bytes": cost.bytes,
                "hours": cost.seconds / in_flight / 3600,
            }
            for stretch, cost in parts
        ],
        "sampled_requests": sampler.requests,
        "assumptions": assumptions,
    }


def show_bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
