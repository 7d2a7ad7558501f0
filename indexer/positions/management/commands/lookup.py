"""Which pools has an address touched: the API's answer."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from indexer.chains.command import FootprintCommand
from indexer.chains.registry import find_chains
from indexer.positions.address import parse_address
from indexer.positions.lookup import lookup_answer


class Command(FootprintCommand):
    help = "Look an address up on the chains: its pools, and how complete that answer is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="0x and 40 hex digits, in any case")
        parser.add_argument("--chain", metavar="a,b", help="only these chains (default: all)")
        parser.add_argument("--json", action="store_true", help="the API's answer as it is")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            address = parse_address(options["address"], strict=False)
        except ValueError as error:
            raise CommandError(str(error)) from None
        answer = lookup_answer(address, find_chains(options["chain"]))
        if options["json"]:
            self.stdout.write(json.dumps(answer, indent=2))
            return
        self.stdout.write(answer["address"])
        for chain in answer["chains"]:
            self.write_chain(chain)

    def write_chain(self, chain: dict[str, Any]) -> None:
        as_of = f"as of block {chain['as_of']['block']:,}" if chain["as_of"] else "never indexed"
        complete = "complete" if chain["complete"] else f"{chain['check_also']['count']:,} more contracts to check"
        self.stdout.write(f"{chain['chain']}: {len(chain['pools']):,} pools, {as_of}, {complete}")
        for pool in chain["pools"]:
            labels = ", ".join(f"{label['protocol']}/{label['product']}" for label in pool["labels"])
            values = "; ".join(f"{key} {', '.join(found)}" for key, found in pool["metadata"].items())
            self.stdout.write(f"  {pool['contract']} since block {pool['first_block']:,} [{labels}] {values}".rstrip())
