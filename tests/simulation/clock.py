"""The database's clock in a simulation is the world's, so that a life does not depend on how long it really takes.

The delays and leases of the loops are given and compared by now(). Where pg_catalog is named in a search_path, what is
named before it comes first: this now() instead of the real one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from indexer.chains.connections import Connection

EPOCH = 1_800_000_000.0
"""Unix seconds when the simulated clock is at 0."""

OPEN = """
DROP SCHEMA IF EXISTS simulated CASCADE;
CREATE SCHEMA simulated;
CREATE TABLE simulated.clock AS SELECT to_timestamp({epoch}) AS at;
CREATE FUNCTION simulated.now() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT at FROM simulated.clock'
"""
CLOSE = "DROP SCHEMA simulated CASCADE"
TURN = "UPDATE simulated.clock SET at = to_timestamp(%s)"
LOOK_IN = "SELECT set_config('search_path', %s, false)"


@contextmanager
def simulated_clock(connection: Connection) -> Iterator[None]:
    """Let now() be what `turn_clock` has said last, for this connection and for those that are given its path."""
    row = connection.execute("SHOW search_path").fetchone()
    assert row is not None
    connection.execute(sql.SQL(OPEN).format(epoch=EPOCH))
    connection.execute(LOOK_IN, [f"simulated,pg_catalog,{row[0]}"])
    try:
        yield
    finally:
        connection.execute(LOOK_IN, [row[0]])
        connection.execute(CLOSE)


def turn_clock(connection: Connection, now: float) -> None:
    """Turn it to so many seconds after its beginning."""
    connection.execute(TURN, [EPOCH + now])
