"""A worker's start: it waits for a database that is not there yet, and refuses what no waiting mends."""

import logging
import os
import signal
import sys
import time
from types import FrameType

from indexer.chains.models import Chain
from indexer.chains.registry import find_chain
from indexer.positions.meter import WAITING_FOR_DATABASE, WAITING_FOR_NODE, Meter
from indexer.positions.vitals import Vitals
from indexer.workers.starting import refuse_old_tables, wait_for_database

log = logging.getLogger(__name__)

TROUBLE_PAUSE = 2.0
"""Seconds before what somebody else has to mend is tried again."""


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


def wait_for_chain(slug: str, meter: Meter, vitals: Vitals) -> Chain:
    """The chain, once the database answers; its tables are the ones that this code knows.

    Raises Misconfigured and ChainError: what the database says stays so until somebody changes something.
    """

    def pause(seconds: float) -> None:
        note_states(meter, WAITING_FOR_DATABASE)
        vitals.wait_for("waiting for the database")
        time.sleep(seconds)

    chain = wait_for_database(slug, pause, lambda: open_chain(slug))
    note_states(meter, WAITING_FOR_NODE)
    vitals.wait_for("waiting for an endpoint")
    return chain


def open_chain(slug: str) -> Chain:
    refuse_old_tables()
    chain = find_chain(slug)
    refuse_old_tables(str(chain), chain)
    return chain


def note_states(meter: Meter, state: str) -> None:
    for loop in meter.states:
        meter.note_state(loop, state)
