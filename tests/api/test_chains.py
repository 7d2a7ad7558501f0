"""GET /api/v1/chains: how far every chain is."""

import pytest
from django.test import Client

from indexer.chains.connections import Connection
from tests.positions.lookup_rows import add_job, contract, start, statements

LIST = "/api/v1/chains"


@pytest.fixture
def running(connection: Connection) -> None:
    """hilltop's worker runs; seaside's has never."""
    add_job(connection, contract(1))
    add_job(connection, contract(2), covered=False)
    add_job(connection, contract(3), enabled=False)
    start(connection)


@pytest.mark.usefixtures("running")
def test_the_list_says_of_every_chain_how_far_it_is(client: Client) -> None:
    hilltop, seaside = client.get(LIST).json()["chains"]
    assert hilltop.pop("processed_at") is not None
    assert hilltop == {
        "chain": "hilltop",
        "chain_id": 31337,
        "name": "Hilltop (local)",
        "floor": 0,
        "head": 102,
        "processed": 100,
        "final": 90,
        "lag": 2,
        "healthy": True,
        "complete": False,
        "check_also": 1,
        "jobs": {"new": 1, "pending": 0, "complete": 1, "put aside": 0, "disabled": 1, "retired": 0},
    }
    assert (seaside["chain"], seaside["processed"], seaside["lag"], seaside["complete"]) == (
        "seaside",
        None,
        None,
        False,
    )


@pytest.mark.usefixtures("running")
def test_one_chain_is_as_the_list_shows_it(client: Client) -> None:
    assert client.get(LIST + "/seaside").json() == client.get(LIST).json()["chains"][1]


def test_a_chain_that_is_not_there_is_a_404_that_names_those_that_are(client: Client) -> None:
    response = client.get(LIST + "/atlantis")
    assert response.status_code == 404
    assert response.json()["detail"] == "There is no chain 'atlantis'. Known are: hilltop, seaside."


@pytest.mark.parametrize("path", [LIST, LIST + "/hilltop"])
def test_it_costs_two_statements(client: Client, path: str) -> None:
    client.get(LIST)
    with statements() as sent:
        assert client.get(path).status_code == 200
    assert len(sent) == 2
