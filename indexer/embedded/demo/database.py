"""The demo's database server, and the database that a check has of its own on it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import ProgrammingError, connection
from psycopg import sql
from psycopg.conninfo import make_conninfo

from indexer.chains.connections import DJANGO_ONLY

from .steps import DemoError

LONGEST_NAME = 63


def read_server_version() -> str:
    """The version of the PostgreSQL server, which is started by this if it is the embedded one."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone() or ("",)
    return str(version).split()[0]


@contextmanager
def use_own_database(suffix: str) -> Iterator[str]:
    """Create a database named for ours and `suffix`, connect this process to it, and drop it in the end.

    Yields what DATABASE_URL must be for other processes to use it. One that an interrupted check left is dropped
    first. Raises DemoError if the server's user has no right to create databases.
    """
    ours = str(connection.settings_dict["NAME"])
    name = ours[: LONGEST_NAME - len(suffix)] + suffix
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    try:
        with connection.cursor() as cursor:
            cursor.execute(drop)
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except ProgrammingError as error:
        raise DemoError(
            f"the check makes a database of its own, {name}, and DATABASE_URL's user may not ({str(error).strip()}): "
            "ALTER ROLE … CREATEDB lets it"
        ) from error
    try:
        connect_to(name)
        given = connection.get_connection_params()
        yield make_conninfo(**{key: value for key, value in given.items() if key not in DJANGO_ONLY})
    finally:
        connect_to(ours)
        with connection.cursor() as cursor:
            cursor.execute(drop)
        connection.close()


def connect_to(name: str) -> None:
    """Make Django, in every thread of this process, connect to another database of the same server from now on."""
    connection.close()
    connection.settings_dict["NAME"] = name
