"""GET /health: every chain's progress, and 503 when one stands still."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from tests.positions.lookup_rows import note_head, start, statements


@pytest.fixture
def running(chains: list[Chain]) -> None:
    for chain in chains:
        with connect(chain) as connection:
            start(connection)


def age(connection: Connection, minutes: float) -> None:
    connection.execute(
        "UPDATE settings SET updated_at = now() - make_interval(secs => %s * 60) WHERE key = 'latest_block_processed'",
        [minutes],
    )


@pytest.mark.usefixtures("running")
def test_working_chains_are_healthy(client: Client, connection: Connection) -> None:
    response = client.get("/health")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    health = response.json()
    assert health["status"] == "healthy"
    assert list(health["chains"]) == ["hilltop", "seaside"]
    hilltop = health["chains"]["hilltop"]
    updated_at = hilltop.pop("updated_at")
    assert updated_at.endswith("Z")
    assert abs(datetime.fromisoformat(updated_at) - datetime.now(UTC)) < timedelta(minutes=1)
    assert hilltop == {
        "chain_id": 31337,
        "last_processed_block": 100,
        "head_block": 102,
        "blocks_behind": 2,
        "healthy": True,
        "status": "healthy",
        "since": None,
        "why": None,
        "remedy": None,
    }


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(("minutes", "status"), [(9.9, 200), (10.1, 503)])
def test_a_chain_without_a_block_for_ten_minutes_is_unhealthy(
    client: Client, connection: Connection, minutes: float, status: int
) -> None:
    age(connection, minutes)
    # That the node still shows new blocks does not make it better.
    note_head(connection, 500)
    response = client.get("/health")
    assert response.status_code == status
    chains = response.json()["chains"]
    assert (chains["hilltop"]["healthy"], chains["seaside"]["healthy"]) == (status == 200, True)
    assert chains["hilltop"]["blocks_behind"] == 400


@pytest.mark.usefixtures("running")
def test_a_cursor_ahead_of_the_head_is_not_behind(client: Client, connection: Connection) -> None:
    note_head(connection, 99)
    assert client.get("/health").json()["chains"]["hilltop"]["blocks_behind"] == 0


@pytest.mark.parametrize(("minutes", "status"), [(9, 200), (11, 503)])
def test_a_chain_that_never_ran_counts_from_its_creation(client: Client, minutes: int, status: int) -> None:
    Chain.objects.update(created_at=datetime.now(UTC) - timedelta(minutes=minutes))
    response = client.get("/health")
    assert response.status_code == status
    seaside = response.json()["chains"]["seaside"]
    if status == 503:
        assert seaside.pop("why").startswith("it was added 11 min ")
        assert "run_chain_worker seaside" in seaside.pop("remedy")
        assert seaside.pop("since")
    assert {key: value for key, value in seaside.items() if value is not None} == {
        "chain_id": 31338,
        "healthy": status == 200,
        "status": "healthy" if status == 200 else "unhealthy",
    }


def test_health_costs_one_statement(client: Client) -> None:
    client.get("/health")
    with statements() as sent:
        client.get("/health")
    assert len(sent) == 1
