"""Make the database ready for this release and these settings, once before each start of the other processes."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command

from indexer.chains.command import FootprintCommand
from indexer.chains.connections import open_beside, wait_for_lock
from indexer.chains.endpoints import configured_slugs
from indexer.chains.models import Chain
from indexer.chains.registry import ChainError, add_chain
from indexer.workers.plan import misconfigured

SETTING_UP = 0x666F6F74_73657475
"""The advisory lock of whoever sets up: `footsetu`."""


class Command(FootprintCommand):
    help = (
        "Migrate every schema, then add the chains of CHAINS that are not there yet; where CHAINS is empty, those that "
        "have RPC_URLS_<CHAIN>. Doing it again changes nothing, and of several at once one does it and the others "
        "wait. Exit codes: 0 ready, 1 failed, 78 a chain cannot be added by its name alone (the rest is done)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--chains", metavar="a,b", help="add these chains instead")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["chains"]
        if wanted is None:
            slugs = settings.OPTIONS.names("CHAINS") or configured_slugs()
        else:
            slugs = [slug for slug in map(str.strip, wanted.split(",")) if slug]
        with open_beside(application_name="footprint setup") as beside:
            wait_for_lock(beside, SETTING_UP, lambda: self.stderr.write("another process sets up; waiting for it"))
            call_command("migrate_schemas", verbosity=max(0, options["verbosity"] - 1), interactive=False)
            self.stdout.write("the tables are up to date")
            problems = [problem for slug in slugs if (problem := self.add(slug))]
        if problems:
            raise misconfigured("; ".join(problems))
        if not Chain.objects.exists():
            self.stdout.write("there is no chain yet: set RPC_URLS_<CHAIN>, such as RPC_URLS_ETHEREUM, or CHAINS")

    def add(self, slug: str) -> str | None:
        """Add a chain if it is not there; why that cannot be done."""
        if Chain.objects.filter(slug=slug).exists():
            self.stdout.write(f"{slug} is there already")
            return None
        try:
            chain, _ = add_chain(slug, None, None)
        except ChainError as error:
            return str(error)
        self.stdout.write(f"{chain} added: chain id {chain.chain_id}, from block {chain.floor:,}")
        return None
