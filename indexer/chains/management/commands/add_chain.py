"""Make a chain known: its row, its schema, its tables."""

from argparse import ArgumentParser
from typing import Any

from indexer.chains.command import FootprintCommand
from indexer.chains.registry import add_chain


class Command(FootprintCommand):
    help = (
        "Add a chain with its own PostgreSQL schema. Known chains (config/chains.toml) need only their name; "
        "any other EVM chain needs --chain-id. Adding a chain again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the chain's name, such as ethereum; lower-case letters, digits and _")
        parser.add_argument("--chain-id", type=int, help="EIP-155 chain id; needed for chains without a profile")
        parser.add_argument(
            "--start-block",
            type=int,
            help="the chain's floor: nothing before it is read or promised; answers show it as `from` (default 0)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chain, new = add_chain(options["slug"], options["chain_id"], options["start_block"])
        if not new:
            self.stdout.write(f"{chain} is there already: chain id {chain.chain_id}, from block {chain.floor:,}")
            return
        self.stdout.write(f"{chain} added: chain id {chain.chain_id}, from block {chain.floor:,}")
        self.stdout.write(f"next: set RPC_URLS_{chain.slug.upper()}, then manage.py import_watches FILE")
