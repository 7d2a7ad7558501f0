"""Which pools has an address touched: the API's answer."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError
from msgspec import to_builtins

from indexer.chains.command import FootprintCommand
from indexer.chains.models import Chain
from indexer.chains.registry import find_chains
from indexer.positions.address import checksum, parse_address
from indexer.positions.explanation import explain
from indexer.positions.first_touch import FirstTouches
from indexer.positions.lookup import look_up, lookup_answer
from indexer.positions.proof import Proof, prove


class Command(FootprintCommand):
    help = "Look an address up on the chains: its pools, how complete that answer is, and what it rests on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="0x and 40 hex digits, in any case")
        parser.add_argument("--chain", metavar="a,b", help="only these chains (default: all)")
        parser.add_argument("--json", action="store_true", help="the API's answer as it is")
        parser.add_argument(
            "--explain",
            action="store_true",
            help="every contract touched with the blocks that this rests on",
        )
        parser.add_argument("--contract", help="with --explain: for this contract, touched or not")

    def handle(self, *args: Any, **options: Any) -> None:
        address = self.read_address(options["address"])
        chains = find_chains(options["chain"])
        if options["explain"]:
            self.explain(address, chains, options["contract"], as_json=options["json"])
            return
        if options["contract"] is not None:
            raise CommandError("--contract goes with --explain")
        answer = lookup_answer(address, chains)
        if options["json"]:
            self.stdout.write(json.dumps(answer, indent=2))
            return
        self.stdout.write(answer["address"])
        for chain in answer["chains"]:
            self.write_chain(chain)

    def read_address(self, text: str) -> bytes:
        try:
            return parse_address(text, strict=False)
        except ValueError as error:
            raise CommandError(str(error)) from None

    def write_chain(self, chain: dict[str, Any]) -> None:
        as_of = f"as of block {chain['as_of']['block']:,}" if chain["as_of"] else "never indexed"
        complete = "complete" if chain["complete"] else f"{chain['check_also']['count']:,} more contracts to check"
        verified = chain["verified"]
        checked = f", {verified['weakest']} at least, {verified['usual']} usually" if verified else ""
        self.stdout.write(f"{chain['chain']}: {len(chain['pools']):,} pools, {as_of}, {complete}{checked}")
        for pool in chain["pools"]:
            labels = ", ".join(f"{label['protocol']}/{label['product']}" for label in pool["labels"])
            values = "; ".join(f"{key} {', '.join(found)}" for key, found in pool["metadata"].items())
            self.stdout.write(f"  {pool['contract']} since block {pool['first_block']:,} [{labels}] {values}".rstrip())

    def explain(self, address: bytes, chains: Sequence[Chain], contract: str | None, *, as_json: bool) -> None:
        """The proofs for one contract, or for all that the address has touched."""
        named = None if contract is None else self.read_address(contract)
        proofs = self.prove_one(address, chains, named) if named is not None else self.prove_all(address, chains)
        if as_json:
            self.stdout.write(json.dumps(to_builtins(proofs), indent=2))
            return
        self.stdout.write(checksum(address))
        for proof in proofs:
            for line in explain(proof):
                self.stdout.write(line)
        if not proofs:
            self.stdout.write("No contract is known to be touched; --contract 0x… proves whether one is not.")

    def prove_one(self, address: bytes, chains: Sequence[Chain], contract: bytes) -> list[Proof]:
        touches = FirstTouches()
        proofs = [prove(address, chain, contract, touches.find) for chain in chains]
        found = [proof for proof in proofs if proof is not None]
        if not found:
            names = ", ".join(str(chain.slug) for chain in chains) or "any chain"
            raise CommandError(f"no enabled job watches {checksum(contract)} on {names}")
        return found

    def prove_all(self, address: bytes, chains: Sequence[Chain]) -> list[Proof]:
        touches = FirstTouches()
        by_slug = {chain.slug: chain for chain in chains}
        proofs = [
            prove(address, by_slug[answer.chain], parse_address(pool.contract, strict=False), touches.find)
            for answer in look_up(address, chains).chains
            for pool in answer.pools
        ]
        return [proof for proof in proofs if proof is not None]
