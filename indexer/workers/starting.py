"""How a worker begins: it waits for a database that is not there yet, and refuses what no waiting mends."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from django.db import Error, InterfaceError, OperationalError, connections

from indexer.chains.models import Chain
from indexer.chains.outages import AWAY, needs_a_person
from indexer.chains.schema import unapplied_migrations
from indexer.workers.background import Misconfigured

T = TypeVar("T")

log = logging.getLogger(__name__)

TROUBLE_PAUSE = 2.0
"""Seconds before a database that is away is tried again."""


def wait_for_database(name: str, pause: Callable[[float], None], look: Callable[[], T]) -> T:
    """What `look` finds, once the database answers it.

    `pause` waits for so many seconds, and may raise. Raises Misconfigured for what stays so until somebody changes it.
    """
    while True:
        try:
            return look()
        except (OperationalError, InterfaceError) as error:
            words = str(error).strip()
            if needs_a_person(words):
                raise Misconfigured(f"the database cannot be used: {words}; check DATABASE_URL") from None
            log.warning("%s: %s, trying again: %s", name, AWAY, words)
        finally:
            # Whoever works opens connections of its own.
            with suppress(Error):
                connections.close_all()
        pause(TROUBLE_PAUSE)


def refuse_old_tables(what: str = "the database", schema_of: Chain | None = None) -> None:
    """Raises Misconfigured where the tables, of a chain if one is given, are not those that this code knows."""
    missing = unapplied_migrations(schema_of)
    if missing:
        raise Misconfigured(f"{what} has unapplied migrations ({', '.join(missing)}): run manage.py migrate_schemas")


def refuse_missing(needs: Sequence[str], environ: Mapping[str, str] = os.environ) -> None:
    """Raises Misconfigured with all environment variables that are needed and not set, or empty."""
    missing = [name for name in needs if not environ.get(name, "").strip()]
    if missing:
        raise Misconfigured(f"{' and '.join(missing)} must be set in the environment")
