"""Give back the disk that the indexes of a chain's rows hold without need."""

import time
from argparse import ArgumentParser
from typing import Any

from indexer.access.audit import recorded, shell_actor
from indexer.chains.command import FootprintCommand
from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.chains.registry import find_chains
from indexer.positions.rebuilding import AlreadyRebuilding, Fullness, measure_fullness, rebuild_indexes

MB = 1_000_000


class Command(FootprintCommand):
    help = (
        "Build the indexes of a chain's rows anew where they are so empty that it is worth it, while workers and "
        "lookups go on. Run it once the past is read, and then now and then; what is full enough is left alone."
    )
    expected = (*FootprintCommand.expected, AlreadyRebuilding)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="?", help="the chains, joined by commas (default: all)")
        parser.add_argument("--dry-run", action="store_true", help="only say how full they are")
        parser.add_argument("--least", type=int, default=64, metavar="MB", help="leave smaller ones alone (default 64)")

    def handle(self, *args: Any, **options: Any) -> None:
        for chain in find_chains(options["slugs"]):
            self.visit(chain, options["least"] * MB, dry=options["dry_run"])

    def visit(self, chain: Chain, least: int, *, dry: bool) -> None:
        with connect(chain, application_name="footprint rebuild_indexes") as connection:
            before = measure_fullness(connection)
            worth = before.is_worth_rebuilding(least)
            if dry or not worth:
                self.stdout.write(f"{chain}: {describe(before)}, {'worth' if worth else 'not worth'} rebuilding")
                return
            began = time.monotonic()
            with recorded(shell_actor(), "rebuild indexes", chain=chain.slug, target=describe(before)) as recording:
                rebuild_indexes(connection, lambda index: self.stdout.write(f"{chain}: rebuilding {index}"))
                recording.outcome = describe(measure_fullness(connection))
            self.stdout.write(f"{chain}: {recording.outcome}, after {time.monotonic() - began:,.0f} s")


def describe(found: Fullness) -> str:
    return f"indexes of {found.rows:,} rows: {found.size / MB:,.0f} MB, key {found.entries:.0%} full"
