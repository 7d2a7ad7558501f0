"""Ask every configured endpoint what it is and what it can do."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from indexer.chains.capabilities import Capability, probe_endpoint
from indexer.chains.command import FootprintCommand
from indexer.chains.endpoints import EndpointsError, open_endpoints
from indexer.chains.models import Chain
from indexer.chains.profiles import finality_of
from indexer.chains.registry import find_chains


class Command(FootprintCommand):
    help = (
        "Check every endpoint of the chains: reachable, the right chain id, its head, the finality tag, logs by block "
        "hash, block receipts, whether its blocks can be proved. Exit code 1 when a chain has no endpoint that its "
        "worker could use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--chain", metavar="a,b", help="only these chains (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        unusable = [chain.slug for chain in find_chains(options["chain"]) if not self.is_usable(chain)]
        if unusable:
            raise CommandError(f"no usable endpoint: {', '.join(unusable)}")

    def is_usable(self, chain: Chain) -> bool:
        """Whether the chain's worker would start."""
        try:
            endpoints = open_endpoints(chain.slug, timeout=10)
        except EndpointsError as error:
            self.stdout.write(self.style.ERROR(f"{chain}: {error}"))
            return False
        usable, wrong = False, False
        for endpoint in endpoints:
            findings = probe_endpoint(endpoint, chain.chain_id, finality_of(chain.slug, chain.chain_id))
            self.stdout.write(f"{chain} {endpoint.label}: {'; '.join(map(self.describe, findings))}")
            usable |= all(finding.works or not finding.needed for finding in findings)
            wrong |= findings[0].says_other_chain
        return usable and not wrong

    def describe(self, finding: Capability) -> str:
        if finding.works:
            return self.style.SUCCESS(f"{finding.name} {finding.detail}".strip())
        style = self.style.ERROR if finding.needed else self.style.WARNING
        return str(style(f"{finding.name}: {finding.detail}"))
