"""Migrations that add an index to a table that a worker writes to."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.apps import apps
from django.db import connection as django_connection
from django.db import models, transaction
from django.db.migrations.state import ProjectState
from django_tenants.utils import tenant_context

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.positions.online import AddIndexOnline
from tests.positions.lookup_rows import add_job, add_log, contract
from tests.processes import PATIENCE, wait_until

OPERATION = AddIndexOnline("log", models.Index(fields=["first_block"], name="logs_by_block"))


def add_index(chain: Chain) -> None:
    before = ProjectState.from_apps(apps)
    after = before.clone()
    OPERATION.state_forwards("positions", after)
    with tenant_context(chain), django_connection.schema_editor(atomic=False) as editor:
        OPERATION.database_forwards("positions", editor, before, after)


def is_valid(connection: Connection) -> bool:
    row = connection.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('logs_by_block')"
    ).fetchone()
    return row is not None and bool(row[0])


@pytest.fixture(autouse=True)
def _removed(connection: Connection) -> Iterator[None]:
    yield
    connection.execute("DROP INDEX IF EXISTS logs_by_block")


def builds(connection: Connection) -> bool:
    row = connection.execute(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'"
    ).fetchone()
    return row is not None


def test_writers_go_on_while_the_index_waits_for_an_older_one(chain: Chain, connection: Connection) -> None:
    job = add_job(connection, contract(1))

    def build() -> None:
        add_index(chain)
        django_connection.close()

    with connect(chain) as older, ThreadPoolExecutor(1) as pool:
        with older.transaction():
            add_log(older, job, 1)
            building = pool.submit(build)
            wait_until(lambda: builds(connection))
            connection.execute("SET lock_timeout = '5s'")
            add_log(connection, job, 2, address=bytes(20))
        building.result(PATIENCE)
    assert is_valid(connection)


def test_what_an_interrupted_attempt_left_is_replaced(chain: Chain, connection: Connection) -> None:
    connection.execute("CREATE INDEX logs_by_block ON logs (first_block)")
    connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass('logs_by_block')")
    assert not is_valid(connection)
    add_index(chain)
    assert is_valid(connection)


def test_what_the_server_finished_for_a_client_that_was_killed_is_kept(chain: Chain, connection: Connection) -> None:
    add_index(chain)  # and nobody was left to note it in django_migrations
    add_index(chain)
    assert is_valid(connection)


def test_in_the_transaction_that_makes_a_chain_it_is_built_plainly(chain: Chain, connection: Connection) -> None:
    with transaction.atomic():
        add_index(chain)
    assert is_valid(connection)
