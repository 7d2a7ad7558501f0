"""Make an API key."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils.timezone import now

from indexer.access.audit import recorded, shell_actor
from indexer.access.keys import make_key, may_do
from indexer.access.scopes import ROLES, SCOPES, VIEWER
from indexer.chains.command import FootprintCommand


class Command(FootprintCommand):
    help = (
        "Make an API key and print it, once: only its hash is stored. Programs show it as `Authorization: Bearer KEY`. "
        f"Roles: {'; '.join(f'{role.name} {role.meaning}' for role in ROLES.values())}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="who uses it and for what; no two keys have the same")
        parser.add_argument("--role", choices=list(ROLES), help=f"the scopes of a role (default: {VIEWER.name})")
        parser.add_argument("--scope", action="append", choices=list(SCOPES), help="a single scope; may be repeated")
        parser.add_argument("--per-minute", type=int, help="requests a minute over all web servers (default: no limit)")
        parser.add_argument("--days", type=int, help="how long it is valid (default: until it is disabled)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["role"] and options["scope"]:
            raise CommandError("give a role or scopes, not both")
        scopes = options["scope"] or sorted(ROLES[options["role"] or VIEWER.name].scopes)
        if options["days"] is not None and options["days"] < 1:
            raise CommandError("--days is a number of days from 1 on")
        expires_at = now() + timedelta(days=options["days"]) if options["days"] else None
        try:
            with recorded(shell_actor(), "create API key", target=options["name"]) as recording:
                made = make_key(
                    options["name"],
                    sorted(set(scopes)),
                    created_by=shell_actor(),
                    requests_per_minute=options["per_minute"],
                    expires_at=expires_at,
                )
                recording.outcome = f"done; now {may_do(made.key)}"
        except ValidationError as error:
            raise CommandError(
                "; ".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
            ) from None
        self.stderr.write(f"{made.key.name}: {', '.join(made.key.scopes)}. It is shown this once:")
        self.stdout.write(made.text)
