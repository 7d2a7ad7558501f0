"""One statement over the schemas of several chains: one snapshot, and qualified names instead of SET search_path."""

import logging
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from time import monotonic
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, ProgrammingError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg import errors, sql
from psycopg.types.array import ListBinaryDumper

from indexer.chains.models import Chain

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

REST = 10.0
"""Seconds for which a replica that could not answer is not asked again."""


class Rest:
    """Until when, by time.monotonic, this process leaves the replica alone."""

    until = float("-inf")


rest = Rest()


def schemas_of(chains: Sequence[Chain]) -> tuple[str, ...]:
    return tuple(str(chain.schema_name) for chain in chains)


def ask_each(
    part: str,
    schemas: tuple[str, ...],
    parameters: dict[str, Any],
    *,
    using: str | None = None,
    binary: bool = False,
) -> list[tuple[Any, ...]]:
    """One row of each schema, in their order, read in one statement; errors are Django's, as a cursor of its raises.

    `using` is a key of DATABASES, READ_DATABASE by default: a replica speaks of the moment it has itself, and the main
    database answers where it cannot.

    `part` is a SELECT (in parentheses, if it begins with WITH) that yields one row, with {schema} for the schema's
    quoted name and {ordinal} as first column.
    All parts share the parameters. The server binds them, so that with prepare_threshold in the database's OPTIONS it
    plans a statement once per connection, which saves two thirds of its time; Django's own cursor writes parameters
    into the text. `binary` rows are read faster where they hold long arrays.
    """
    if not schemas:
        return []
    united, names = unite(part, schemas)
    values = bind(names, parameters)
    return read_from(lambda connection: ask(connection, united, values, binary=binary), using=using)


def read_from(read: Callable[[BaseDatabaseWrapper], Answer], *, using: str | None = None) -> Answer:
    """Read by a connection to a replica, where there is one (or to `using`), or to the main database if that one
    cannot answer.

    The replica is left alone then for REST seconds: one that is gone without a word would cost every request a timeout,
    and of two statements the earlier must not speak of a later moment because only the second was the replica's.
    """
    database = using or settings.READ_DATABASE
    if database == "default" or (using is None and monotonic() < rest.until):
        return read(connections["default"])
    try:
        return read(connections[database])
    except (OperationalError, ProgrammingError) as error:
        if not is_of_a_replica(error):
            raise
        rest.until = monotonic() + REST
        log.warning("the replica cannot answer, the main database does for %g s: %s", REST, str(error).splitlines()[0])
    return read(connections["default"])


def ask(
    connection: BaseDatabaseWrapper, statement: str, values: Sequence[Any], *, binary: bool
) -> list[tuple[Any, ...]]:
    """By the connection at hand, which may have been lost since it was last used: then by a new one.

    Django would ask `SELECT 1` before the first statement of every request. That costs a sixth of a lookup, and what
    only reads may as well be asked again.
    """
    kept = connection.connection is not None and not connection.in_atomic_block
    connection.ensure_connection()
    try:
        return fetch(connection, statement, values, binary=binary)
    except (OperationalError, InterfaceError):
        if not (kept and connection.connection is not None and connection.connection.closed):
            raise
        connection.close()
    connection.ensure_connection()
    return fetch(connection, statement, values, binary=binary)


def fetch(
    connection: BaseDatabaseWrapper, statement: str, values: Sequence[Any], *, binary: bool
) -> list[tuple[Any, ...]]:
    with CursorWrapper(make_cursor(connection, binary=binary), connection) as cursor:
        cursor.execute(statement, values)
        # UNION ALL promises no order.
        return [row[1:] for row in sorted(cursor.fetchall(), key=lambda row: row[0])]


def make_cursor(connection: BaseDatabaseWrapper, *, binary: bool) -> psycopg.RawCursor[tuple[Any, ...]]:
    cursor: psycopg.RawCursor[tuple[Any, ...]] = psycopg.RawCursor(connection.connection)
    if binary:
        cursor.format = psycopg.pq.Format.BINARY
    return cursor


def is_of_a_replica(error: Exception) -> bool:
    """Whether the main database would fare better: a chain or column that has not arrived there, a replay in the way, a
    server that is not there. What takes too long would take as long again."""
    cause = error.__cause__
    if isinstance(error, ProgrammingError):
        return isinstance(cause, errors.UndefinedTable | errors.UndefinedColumn)
    return not isinstance(cause, errors.QueryCanceled)


PARAMETER = re.compile(r"%(?:\((\w+)\)([sb])|%)")


class Binary(list[Any]):
    """A list that is sent in PostgreSQL's binary format: as text, a thousand addresses take four times as long."""


psycopg.adapters.register_dumper(Binary, ListBinaryDumper)


def bind(names: Sequence[tuple[str, bool]], parameters: dict[str, Any]) -> list[Any]:
    """The values of a united statement, for a RawCursor."""
    return [Binary(value) if isinstance(value := parameters[name], list) and b else value for name, b in names]


@lru_cache(maxsize=256)
def unite(part: str, schemas: tuple[str, ...]) -> tuple[str, tuple[tuple[str, bool], ...]]:
    """The statement over these schemas as the server takes it, and of $1, $2 and so on the name and whether it is
    written %(name)b: a list is then sent as Binary.

    psycopg would look for parameters anew every time, for it remembers short statements only: a tenth of a millisecond.
    """
    template = sql.SQL(part)
    parts = [
        template.format(schema=sql.Identifier(schema), ordinal=sql.Literal(ordinal))
        for ordinal, schema in enumerate(schemas)
    ]
    names: dict[tuple[str, bool], int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${names.setdefault((found[1], found[2] == 'b'), len(names) + 1)}" if found[1] else "%"

    united = PARAMETER.sub(number, sql.SQL(" UNION ALL ").join(parts).as_string(None))
    return united, tuple(names)
