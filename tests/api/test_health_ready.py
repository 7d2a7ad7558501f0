"""GET /health/ready and /health/live: what is not ready, why, and what to do about it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection as django_connection
from django.db import connections
from django.test import Client
from psycopg import sql

from api.health import Ready
from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.positions.readiness import Readers, known_migrations
from indexer.positions.stalls import describe
from tests.api.outages import no_database
from tests.positions.lookup_rows import note_head, start, statements


@pytest.fixture(autouse=True)
def _readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered of other tests."""
    monkeypatch.setattr(Ready, "readers", Readers())


@pytest.fixture
def running(chains: list[Chain]) -> None:
    for chain in chains:
        with connect(chain) as connection:
            start(connection)


def ready(client: Client, status: int) -> Any:
    response = client.get("/health/ready")
    assert (response.status_code, response["Content-Type"]) == (status, "application/json"), response.content
    return response.json()


@pytest.mark.usefixtures("running")
def test_with_everything_in_order_it_is_ready(client: Client) -> None:
    body = ready(client, 200)
    assert (body["status"], body["obstacles"], list(body["chains"])) == ("ready", [], ["hilltop", "seaside"])
    hilltop = body["chains"]["hilltop"]
    assert abs(datetime.fromisoformat(hilltop.pop("processed_at")) - datetime.now(UTC)) < timedelta(minutes=1)
    # The block of lookup_rows is of November 2023.
    assert hilltop.pop("lag_seconds") > 365 * 24 * 3600
    assert hilltop == {"ready": True, "processed_block": 100, "head_block": 102, "lag_blocks": 2}


@pytest.mark.usefixtures("running")
def test_a_stalled_chain_is_named_with_its_lag_and_the_remedy(client: Client, connection: Connection) -> None:
    connection.execute(
        "UPDATE settings SET updated_at = now() - interval '61 minutes' WHERE key = 'latest_block_processed'"
    )
    note_head(connection, 1500)
    body = ready(client, 503)
    (obstacle,) = body["obstacles"]
    assert (body["status"], obstacle["kind"], obstacle["about"]) == ("not ready", "chain", "hilltop")
    assert (
        obstacle["why"]
        == "no block has been processed for 1 h 1 min, 1,400 blocks behind the head: no worker is at its head"
    )
    assert "manage.py run_chain_worker hilltop" in obstacle["remedy"]
    assert [body["chains"][slug]["ready"] for slug in ("hilltop", "seaside")] == [False, True]


@pytest.mark.parametrize(("minutes", "status"), [(9, 200), (11, 503)])
def test_a_chain_that_never_started_has_some_time_from_its_creation_on(
    client: Client, minutes: int, status: int
) -> None:
    Chain.objects.update(created_at=datetime.now(UTC) - timedelta(minutes=minutes))
    body = ready(client, status)
    if status == 503:
        why = {obstacle["about"]: obstacle["why"] for obstacle in body["obstacles"]}
        assert why.keys() == {"hilltop", "seaside"}
        assert why["hilltop"].startswith("it was added 11 min ")
        assert "check_chains --chain hilltop" in body["obstacles"][0]["remedy"]
    assert body["chains"]["hilltop"]["processed_block"] is None


@contextmanager
def unapplied(schema: str, *names: str) -> Iterator[None]:
    """These migrations of positions look as if they had not been applied."""
    table = sql.Identifier(schema, "django_migrations")
    where = sql.SQL(" WHERE app = 'positions' AND name = ANY(%s)")
    with django_connection.cursor() as cursor:
        cursor.execute(sql.SQL("DELETE FROM {}").format(table) + where, [list(names)])
    try:
        yield
    finally:
        with django_connection.cursor() as cursor:
            insert = sql.SQL("INSERT INTO {} (app, name, applied) SELECT 'positions', unnest(%s::text[]), now()")
            cursor.execute(insert.format(table), [list(names)])


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("schema", ["public", "chain_seaside"])
def test_unapplied_migrations_are_named_until_they_are_applied(client: Client, schema: str) -> None:
    with unapplied(schema, "0002_settings"):
        body = ready(client, 503)
        assert body["obstacles"] == [
            {
                "kind": "migrations",
                "about": schema,
                "why": "lacks positions.0002_settings",
                "remedy": "run manage.py migrate_schemas",
            }
        ]
    assert ready(client, 200)["status"] == "ready"


@pytest.mark.usefixtures("running")
def test_a_chain_without_its_tables_does_not_hide_the_others(client: Client) -> None:
    with django_connection.cursor() as cursor:
        cursor.execute("ALTER SCHEMA chain_seaside RENAME TO elsewhere")
        try:
            body = ready(client, 503)
        finally:
            cursor.execute("ALTER SCHEMA elsewhere RENAME TO chain_seaside")
    (obstacle,) = body["obstacles"]
    assert (obstacle["kind"], obstacle["about"]) == ("migrations", "chain_seaside")
    assert f"and {len(known_migrations()) - 3} more" in obstacle["why"]
    assert body["chains"]["hilltop"]["ready"]


@pytest.mark.usefixtures("running")
def test_a_database_that_is_gone_is_an_answer_and_tells_no_host(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_database(monkeypatch):
        body = ready(client, 503)
        port = str(django_connection.settings_dict["PORT"])
    (obstacle,) = body["obstacles"]
    assert (obstacle["kind"], obstacle["about"], obstacle["why"]) == ("database", "default", "it does not answer")
    assert "DATABASE_URL" in obstacle["remedy"]
    assert port not in str(body)
    assert ready(client, 200)["status"] == "ready"


@pytest.mark.usefixtures("running")
def test_a_replica_that_is_gone_is_named_beside_what_the_database_says(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "READ_DATABASE", "replica")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gone = django_connection.settings_dict | {"PORT": str(nobody.getsockname()[1])}
        monkeypatch.setitem(connections.settings, "replica", gone)
        body = ready(client, 503)
    del connections["replica"]
    (obstacle,) = body["obstacles"]
    assert (obstacle["kind"], obstacle["about"]) == ("database", "replica")
    assert "DATABASE_REPLICA_URL" in obstacle["remedy"]
    assert body["chains"]["hilltop"]["ready"]


def test_live_asks_no_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with statements() as sent:
        response = client.get("/health/live")
    assert (response.status_code, response.json(), sent) == (200, {"status": "alive"}, [])
    with no_database(monkeypatch):
        assert client.get("/health/live").status_code == 200


@pytest.mark.usefixtures("running")
def test_ready_costs_three_statements_once_the_migrations_are_known(client: Client) -> None:
    ready(client, 200)
    with statements() as sent:
        ready(client, 200)
    assert len(sent) == 3
    assert sent[0] == "SELECT 1"


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (timedelta(seconds=59), "0 min 59 s"),
        (timedelta(minutes=10, seconds=1), "10 min 1 s"),
        (timedelta(hours=2, minutes=5, seconds=9), "2 h 5 min"),
        (timedelta(days=3, hours=4, minutes=59), "3 d 4 h"),
    ],
)
def test_lengths_of_time_are_told_in_two_units(time: timedelta, text: str) -> None:
    assert describe(time) == text
