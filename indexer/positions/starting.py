"""A worker's start: it waits for a database that is not there yet, and refuses what no waiting mends."""

import logging
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType

from django.db import Error, InterfaceError, OperationalError, connections

from indexer.chains.models import Chain
from indexer.chains.outages import AWAY, needs_a_person
from indexer.chains.registry import find_chain
from indexer.chains.schema import unapplied_migrations
from indexer.positions.meter import WAITING_FOR_DATABASE, WAITING_FOR_NODE, Meter

log = logging.getLogger(__name__)

TROUBLE_PAUSE = 2.0
"""Seconds before what somebody else has to mend is tried again."""


class Misconfigured(Exception):
    """The worker cannot start before somebody changes its configuration: exit code 78."""


def leave_at_once(slug: str) -> None:
    """Until the worker itself takes signals: SIGTERM and SIGINT leave, with nothing in hand, and a second one ends the
    process; SIGHUP is about what is only read afterwards."""

    def leave(number: int, frame: FrameType | None) -> None:
        signal.signal(number, lambda number, frame: os._exit(128 + number))
        log.info("%s: told to stop before it began", slug)
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def wait_for_chain(slug: str, meter: Meter) -> Chain:
    """The chain, once the database answers; its tables are the ones that this code knows.

    Raises Misconfigured and ChainError: what the database says stays so until somebody changes something.
    """
    while True:
        try:
            chain = open_chain(slug)
        except (OperationalError, InterfaceError) as error:
            words = str(error).strip()
            if needs_a_person(words):
                raise Misconfigured(f"the database cannot be used: {words}; check DATABASE_URL") from None
            note_states(meter, WAITING_FOR_DATABASE)
            log.warning("%s: %s, trying again: %s", slug, AWAY, words)
            time.sleep(TROUBLE_PAUSE)
        else:
            note_states(meter, WAITING_FOR_NODE)
            return chain
        finally:
            # The loops bring their own connections; three a worker are the promise.
            with suppress(Error):
                connections.close_all()


def open_chain(slug: str) -> Chain:
    refuse("the database", unapplied_migrations())
    chain = find_chain(slug)
    refuse(str(chain), unapplied_migrations(chain))
    return chain


def refuse(what: str, missing: list[str]) -> None:
    if missing:
        raise Misconfigured(f"{what} has unapplied migrations ({', '.join(missing)}): run manage.py migrate_schemas")


def note_states(meter: Meter, state: str) -> None:
    for loop in meter.states:
        meter.note_state(loop, state)
