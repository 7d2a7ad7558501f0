"""A session that holds a chain's lock ends when its process stands still: a dead man's switch in the database itself.

An advisory lock lasts as long as its session, and a session as long as its connection. A process that is paused
(SIGSTOP, a frozen machine), or whose host is gone without a word, keeps its connection, and its chain would stand
still. So the holder has the server end its session after SILENCE seconds without a statement, and shows every BEAT
seconds that it lives. Nobody has to judge another's session: a backend that is busy is never ended, and one that is
ended takes its open transaction with it, and so the batch in hand.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from threading import Event, Thread
from time import monotonic

import psycopg

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.positions.meter import HISTORIC, LATEST
from indexer.positions.protocol.segments import LEASE

log = logging.getLogger(__name__)

BEAT = 2.0
SILENCE = 8.0
"""Seconds. With STANDBY_PAUSE it is how long a chain is without a worker whose host has gone."""

# tcp_user_timeout is for a backend that is sending, which is not idle. Of Unix sockets it says nothing.
LIMITS = "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS given (name, value)"


@contextmanager
def ended_when_silent(connection: Connection, slug: str) -> Iterator[None]:
    """Show meanwhile that this process lives, from a thread of its own: the session ends SILENCE seconds after the last
    statement, in a transaction or not. The statement is run between those of the caller, in its transaction if it has
    one."""
    limit(connection, idle_session_timeout=SILENCE, idle_in_transaction_session_timeout=SILENCE)
    over = Event()
    thread = Thread(target=beat, args=(connection, slug, over), name=f"{slug}-beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def beat(connection: Connection, slug: str, over: Event) -> None:
    slept = monotonic()
    while not over.wait(BEAT):
        if (still := monotonic() - slept) > SILENCE:
            log.warning(
                "%s: this process stood still for %.0f s: the database has ended its session, whoever stood by is at "
                "the head now, and what was in hand is thrown away",
                slug,
                still,
            )
        # Whoever uses the connection next hears of what is wrong with it.
        with suppress(psycopg.Error):
            connection.execute("SELECT 1", prepare=False)
        slept = monotonic()


def end_with_lease(connection: Connection) -> None:
    """Let the server end a session that has been silent for as long as a lease lasts: what it had in hand is others'.

    In the midst of a commit it would otherwise hold rows that others wait for.
    """
    seconds = LEASE.total_seconds()
    limit(connection, idle_session_timeout=seconds, idle_in_transaction_session_timeout=seconds)


def limit(connection: Connection, **seconds: float) -> None:
    settings = {name: f"{int(1000 * value)}ms" for name, value in seconds.items()}
    settings["tcp_user_timeout"] = f"{int(1000 * SILENCE)}ms"
    connection.execute(LIMITS, [list(settings), list(settings.values())])


def take_lock(connection: Connection, chain: Chain) -> bool:
    """Become the chain's one writer at the head, for as long as the session lasts; False when somebody else is it."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [lock_key(chain, LATEST)]).fetchone()
    return row == (True,)


def share_lock(connection: Connection, chain: Chain) -> None:
    """Show that somebody reads the chain's past; any number may."""
    connection.execute("SELECT pg_advisory_lock_shared(%s)", [lock_key(chain, HISTORIC)])


def lock_key(chain: Chain, loop: str) -> int:
    """The advisory lock of a chain's loop: a signed 64-bit number of its schema."""
    name = f"footprint:{chain.schema_name}" + (":historic" if loop == HISTORIC else "")
    return int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)
