"""Plain psycopg connections into a chain's schema, for the hot paths and for threads."""

import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql

from indexer.chains.models import Chain
from indexer.chains.statements import cursor_class

Connection = psycopg.Connection[tuple[Any, ...]]

# What Django adds to the libpq parameters for its own cursors.
DJANGO_ONLY = ("context", "cursor_factory", "prepare_threshold")

LOOK_AGAIN = 0.5
"""Seconds between two attempts to take a lock that somebody else has."""


def connect(chain: Chain, *, application_name: str = "footprint", timeout: int | None = None) -> Connection:
    """A new autocommit connection whose search_path is the chain's schema alone.

    The ORM is left out on purpose: its connections belong to the thread that opened them and forget their schema.
    The caller closes it. `timeout` in seconds is for connecting, for every statement, and for a server that has gone
    away without a word. Raises psycopg.OperationalError when the database cannot be reached.
    """
    limits = {} if timeout is None else {"connect_timeout": timeout, "tcp_user_timeout": timeout * 1000}
    connection = open_beside(application_name=application_name, **limits)
    connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(chain.schema_name)))
    if timeout is not None:
        connection.execute(sql.SQL("SET statement_timeout TO {}").format(sql.Literal(f"{timeout}s")))
    return connection


def open_beside(*, application_name: str, **limits: int) -> Connection:
    """A new autocommit connection beside Django's own, in the schema that the database's user has by default.

    `limits` are libpq's, such as connect_timeout.
    """
    given = connections["default"].get_connection_params()
    parameters = {key: value for key, value in given.items() if key not in DJANGO_ONLY}
    parameters |= {"application_name": application_name, "cursor_factory": cursor_class(), **limits}
    connection: Connection = psycopg.connect(**parameters, autocommit=True)
    return connection


def wait_for_lock(connection: Connection, key: int, tell: Callable[[], object]) -> None:
    """Take an advisory lock for as long as the connection lasts; `tell` is called where somebody has it already.

    It asks again and again: a statement that waited would hold a snapshot meanwhile, for whose end a CREATE INDEX
    CONCURRENTLY of the one that has the lock waits in turn.
    """
    told = False
    while connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone() != (True,):
        if not told:
            tell()
            told = True
        time.sleep(LOOK_AGAIN)
