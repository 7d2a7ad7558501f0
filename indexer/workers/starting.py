"""How a worker begins: it waits for a database that is not there yet, and refuses what no waiting mends."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from django.db import Error, InterfaceError, OperationalError, connections

from indexer.chains.outages import AWAY, needs_a_person
from indexer.chains.schema import unapplied_migrations
from indexer.workers.background import Misconfigured

log = logging.getLogger(__name__)

TROUBLE_PAUSE = 2.0
"""Seconds before a database that is away is tried again."""


def wait_for_database(name: str, pause: Callable[[float], None]) -> None:
    """Return once the database answers and has the tables that this code knows.

    `pause` waits for so many seconds, and may raise. Raises Misconfigured for what stays so until somebody changes it.
    """
    while True:
        try:
            missing = unapplied_migrations()
        except (OperationalError, InterfaceError) as error:
            words = str(error).strip()
            if needs_a_person(words):
                raise Misconfigured(f"the database cannot be used: {words}; check DATABASE_URL") from None
            log.warning("%s: %s, trying again: %s", name, AWAY, words)
        else:
            if missing:
                raise Misconfigured(
                    f"the database has unapplied migrations ({', '.join(missing)}): run manage.py migrate_schemas"
                )
            return
        finally:
            # Whoever works opens connections of its own.
            with suppress(Error):
                connections.close_all()
        pause(TROUBLE_PAUSE)


def refuse_missing(needs: Sequence[str], environ: Mapping[str, str] = os.environ) -> None:
    """Raises Misconfigured with all environment variables that are needed and not set, or empty."""
    missing = [name for name in needs if not environ.get(name, "").strip()]
    if missing:
        raise Misconfigured(f"{' and '.join(missing)} must be set in the environment")
