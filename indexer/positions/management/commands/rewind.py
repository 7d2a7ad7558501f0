"""Take the chain back to a block by hand."""

from argparse import ArgumentParser
from time import sleep
from typing import Any

from django.core.management.base import CommandError

from indexer.access.audit import recorded, shell_actor
from indexer.chains.command import FootprintCommand
from indexer.chains.connections import connect
from indexer.chains.endpoints import open_node
from indexer.chains.registry import find_chain
from indexer.positions.protocol.head import hash_at
from indexer.positions.protocol.state import NotStarted
from indexer.positions.protocol.undo import undo_to


class Command(FootprintCommand):
    expected = (*FootprintCommand.expected, NotStarted)
    help = (
        "Undo everything above a block, as a reorg would, and read it again. The worker may be running: it goes on "
        "from there. Answers are complete again when the latest loop is back at the head."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the chain")
        parser.add_argument("--to", type=int, required=True, dest="block", help="the last block to keep")

    def handle(self, *args: Any, **options: Any) -> None:
        chain, block = find_chain(options["slug"]), options["block"]
        if block < 0:
            raise CommandError("--to is a block number")
        header = open_node(chain.slug, chain.chain_id, sleep).header(block)
        if header is None:
            raise CommandError(f"the node has no block {block:,}")
        with connect(chain) as connection:
            with connection.cursor() as cur:
                known = hash_at(cur, block)
            if known is not None and known != header.hash:
                raise CommandError(f"block {block:,} has been replaced by a reorg itself: choose an earlier one")
            target = f"to block {block:,}"
            with recorded(shell_actor(), "rewind", chain=chain.slug, target=target) as recording:
                undone = undo_to(connection, header)
                recording.outcome = f"{undone.blocks:,} blocks undone" if undone else "it was not above that block"
        if undone is None:
            raise CommandError(f"{chain} is not above block {block:,}")
        self.stdout.write(f"{chain}: {undone.blocks:,} blocks undone; the worker reads on from {block + 1:,}")
