"""Every SQL statement as a debug line, with its time: for Django's connections and for the loops' own.

Parameters are left out: they hold the addresses that users look up. Nothing is in the way when debug is off.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

log = logging.getLogger(__name__)

LONGEST = 300
"""Characters of a statement that are shown."""


class TellingCursor(psycopg.Cursor[Any]):
    """A cursor of the loops that tells what it ran."""

    def execute(self, query: Any, *args: Any, **options: Any) -> "TellingCursor":
        began = time.monotonic()
        try:
            return super().execute(query, *args, **options)
        finally:
            tell(query if isinstance(query, str) else query.as_string(self.connection), self.rowcount, began)


def cursor_class() -> type[psycopg.Cursor[Any]]:
    return TellingCursor if log.isEnabledFor(logging.DEBUG) else psycopg.Cursor


def tell_statements(connection: BaseDatabaseWrapper, **given: Any) -> None:
    """Django's connection_created: from now on this connection tells what it runs, if anybody listens."""
    if log.isEnabledFor(logging.DEBUG) and run_and_tell not in connection.execute_wrappers:
        connection.execute_wrappers.append(run_and_tell)


def run_and_tell(
    execute: Callable[..., Any], statement: Any, parameters: Any, many: bool, context: dict[str, Any]
) -> Any:
    began = time.monotonic()
    cursor: CursorWrapper = context["cursor"]
    try:
        return execute(statement, parameters, many, context)
    finally:
        tell(str(statement), cursor.rowcount, began)


def tell(statement: str, rows: int, began: float) -> None:
    """`rows` were returned or changed; -1 where that means nothing, or the statement failed."""
    milliseconds = 1000 * (time.monotonic() - began)
    text = " ".join(statement.split())
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    log.debug("%.1f ms, %d rows: %s", milliseconds, rows, text)
