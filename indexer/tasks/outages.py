"""Whether an error means that the database was away in which all runs are: no task is to blame for that."""

import psycopg
from django.db import InterfaceError, OperationalError
from procrastinate.exceptions import ConnectorException

AWAY = (OperationalError, InterfaceError)
"""What Django raises while the database is away, and by far not only then."""
WRAPPERS = (OperationalError, ConnectorException)
GONE = ("08", "57P01", "57P02", "57P03")
"""How the SQLSTATE of a connection that is lost begins, or of a server that ends or begins (appendix A)."""
WORDS = "the database was away"


def is_outage(error: BaseException) -> bool:
    """Without a SQLSTATE the connection was refused or broke off; whatever a server in good health says has one."""
    cause = cause_of(error)
    return isinstance(cause, psycopg.OperationalError) and (cause.sqlstate or GONE[0]).startswith(GONE)


def cause_of(error: BaseException) -> BaseException:
    """What psycopg has raised, whoever has wrapped it."""
    while isinstance(error, WRAPPERS) and error.__cause__ is not None:
        error = error.__cause__
    return error
