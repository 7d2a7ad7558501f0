"""A chain's connection sees the chain's schema alone, and nobody else's state."""

import psycopg
import pytest
from django.db import connection as django_connection
from django_tenants.utils import tenant_context

from indexer.chains.connections import connect
from indexer.chains.models import Chain


def test_the_search_path_is_the_chains_schema_alone(chains: list[Chain]) -> None:
    for chain in chains:
        with connect(chain) as connection:
            assert connection.execute("SHOW search_path").fetchone() == (f"chain_{chain.slug}",)
            with pytest.raises(psycopg.errors.UndefinedTable):
                connection.execute("SELECT 1 FROM chains_chain")


def test_every_statement_is_committed_by_itself(chain: Chain) -> None:
    with connect(chain) as one, connect(chain) as other:
        one.execute("UPDATE settings SET value = '7' WHERE key = 'head_block'")
        assert other.execute("SELECT value FROM settings WHERE key = 'head_block'").fetchone() == (7,)


def test_it_is_another_connection_than_djangos_and_has_a_name(chain: Chain) -> None:
    with tenant_context(chain), django_connection.cursor() as cursor, connect(chain, application_name="who") as mine:
        cursor.execute("SELECT pg_backend_pid()")
        row = mine.execute("SELECT pg_backend_pid(), current_setting('application_name')").fetchone()
        assert row is not None
        assert row[0] != cursor.fetchone()[0]
        assert row[1] == "who"


def test_it_is_closed_at_the_end(chain: Chain) -> None:
    with connect(chain) as connection:
        pass
    assert connection.closed
