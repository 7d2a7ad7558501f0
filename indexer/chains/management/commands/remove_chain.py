"""Forget a chain and everything that was read from it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from indexer.chains.command import FootprintCommand
from indexer.chains.models import Chain
from indexer.chains.registry import find_chain, remove_chain


class Command(FootprintCommand):
    help = "Drop a chain's schema with all its jobs and logs. Stop its worker first. There is no way back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the chain to remove; one that is not there is no error")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["slug"]
        if not Chain.objects.filter(slug=slug).exists():
            self.stdout.write(f"there is no chain {slug}")
            return
        if not options["yes"] and not self.asks(slug):
            raise CommandError("not removed: type the chain's name, or give --yes")
        remove_chain(find_chain(slug))
        self.stdout.write(f"{slug} removed")

    def asks(self, slug: str) -> bool:
        """Whether somebody is there who means it."""
        try:
            return input(f"Drop {slug} with everything that was read? Type its name: ") == slug
        except EOFError:
            return False
