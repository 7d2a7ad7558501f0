"""The database's end of what a worker's threads do: it can be ended from outside, which a thread cannot.

What a session has open holds the rows that it has written, such as its run's: a process that is paused (SIGSTOP, a
frozen machine), or a function that stands still, would hold them from whoever is to go on.
"""

from typing import Any

import psycopg
from django.db import connection as own
from django.db.backends.base.base import BaseDatabaseWrapper

STANDSTILL = 300.0
"""Seconds without a statement, after which the server ends a session that is in a transaction."""
PATIENCE = 5.0
"""Seconds that a session has to end in."""

END = "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE pid = %s AND pid <> pg_backend_pid()"


def end_when_still(connection: BaseDatabaseWrapper, seconds: float = STANDSTILL, **rest: Any) -> None:
    """To be called, as a receiver of the signal, with each session of Django's that a worker opens."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout TO {int(1000 * seconds)}")


def end_session(of: BaseDatabaseWrapper) -> None:
    """End another thread's session, whatever it is at; its transaction is undone. Raises django.db.Error."""
    try:
        session = of.connection.info.backend_pid if of.connection is not None else None
    except psycopg.Error:
        return  # it is closed
    with own.cursor() as cursor:
        # Whatever is left of it, the run's row included, is waited for no longer than this.
        cursor.execute("SET lock_timeout TO '1s'")
        if session is not None:
            cursor.execute(END, [int(1000 * PATIENCE), session])
