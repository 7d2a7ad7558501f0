"""Bring every schema to the state of this code, beside running workers and web servers."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import connection
from django_tenants.management.commands.migrate_schemas import MigrateSchemasCommand

from indexer.chains.command import FootprintCommand
from indexer.chains.connections import open_beside, wait_for_lock

MIGRATING = 0x666F6F74_6D696772
"""The advisory lock of whoever migrates: `footmigr`."""


class Command(FootprintCommand, MigrateSchemasCommand):  # type: ignore[misc]  # django-tenants has no type information
    help = (
        "Apply the migrations: the shared tables first, then each chain's. No statement waits longer than LOCK_TIMEOUT "
        "seconds for a lock; one that does not get it is tried again, and then named with who holds it. Safe to run "
        "again, and at the same time elsewhere: the second waits for the first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        for action in parser._actions:
            if action.dest == "schema_name":
                action.help = "only this schema: public, or chain_ and a chain's name"

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.in_atomic_block:
            # A new chain, whose schema nobody else can see yet.
            super().handle(*args, **options)
            return
        connection.ensure_connection()
        with open_beside(application_name="footprint migrate_schemas") as beside:
            wait_for_lock(
                beside, MIGRATING, lambda: self.stderr.write("another process applies migrations; waiting for it")
            )
            super().handle(*args, **options)
