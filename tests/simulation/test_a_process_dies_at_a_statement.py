"""The stand-in for kill -9: a connection that dies at any statement leaves what a dead process would."""

from collections.abc import Iterator

import psycopg
import pytest

from indexer.chains.connections import Connection
from tests.simulation.mortal import Killed, cut, open_mortal


@pytest.fixture
def table(connection: Connection) -> Iterator[str]:
    connection.execute("CREATE TABLE deeds (number int)")
    yield "deeds"
    connection.execute("DROP TABLE deeds")


def write_two(connection: Connection) -> None:
    with connection.transaction():
        connection.execute("INSERT INTO deeds VALUES (1)")
        connection.execute("INSERT INTO deeds VALUES (2)")


def test_it_dies_before_any_statement_and_after_the_commit(connection: Connection, table: str) -> None:
    left = []
    for steps in range(5):
        mortal = open_mortal(connection)
        mortal.left = steps
        with pytest.raises(Killed):
            write_two(mortal)
        assert mortal.closed
        left.append(settled(connection))
    assert left == [0, 0, 0, 0, 2]  # before BEGIN, either INSERT, COMMIT; after COMMIT
    mortal = open_mortal(connection)
    mortal.left = 5
    write_two(mortal)
    mortal.close()
    assert settled(connection) == 4


def settled(connection: Connection) -> int:
    """Rows, once the server has rolled back what the dead have left: their locks go with it."""
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '10s'")
        connection.execute("LOCK TABLE deeds")
        row = connection.execute("SELECT count(*) FROM deeds").fetchone()
    assert row is not None
    return int(row[0])


def test_postgresql_ends_a_connection(connection: Connection, table: str) -> None:
    victim = open_mortal(connection)
    cut(connection, victim)
    with pytest.raises(psycopg.OperationalError):
        write_two(victim)
    victim.close()
    assert settled(connection) == 0
