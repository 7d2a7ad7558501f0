"""Refuse an API key from now on."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from indexer.access.audit import recorded, shell_actor
from indexer.access.models import ApiKey
from indexer.chains.command import FootprintCommand


class Command(FootprintCommand):
    help = "Disable an API key: its next request is refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the key's name, or how it begins")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        keys = ApiKey.objects.filter(name=name) or ApiKey.objects.filter(prefix=name)
        if not keys:
            known = ", ".join(ApiKey.objects.values_list("name", flat=True)) or "none yet"
            raise CommandError(f"there is no API key {name!r}; keys: {known}")
        with recorded(shell_actor(), "disable API key", target=keys[0].name):
            ApiKey.objects.filter(pk=keys[0].pk).update(enabled=False)
        self.stdout.write(f"{keys[0].name} is disabled")
