"""GET /api/v1/addresses/{address}: what comes over HTTP."""

import pytest
from django.test import Client

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.positions.lookup import lookup_answer
from tests.positions.lookup_rows import USER, USER_EIP55, add_job, add_log, contract, start, statements

PATH = "/api/v1/addresses/"


def test_the_answer_is_the_lookup_in_json(client: Client, chains: list[Chain], connection: Connection) -> None:
    add_log(connection, add_job(connection, contract(1)), 5)
    start(connection)
    response = client.get(PATH + USER_EIP55)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response.json() == lookup_answer(USER, chains)
    assert [len(said["pools"]) for said in response.json()["chains"]] == [1, 0]


@pytest.mark.parametrize(
    "written",
    [
        USER_EIP55,
        USER_EIP55.lower(),
        "0x" + USER_EIP55[2:].upper(),
        "0X" + USER_EIP55[2:].upper(),
        # A mixed case that is no checksum.
        USER_EIP55.swapcase().replace("0X", "0x"),
    ],
)
def test_addresses_may_be_written_in_any_case(client: Client, connection: Connection, written: str) -> None:
    add_log(connection, add_job(connection, contract(1)), 5)
    start(connection)
    answer = client.get(PATH + written).json()
    assert answer["address"] == USER_EIP55
    assert len(answer["chains"][0]["pools"]) == 1


@pytest.mark.parametrize(
    ("query", "answered"),
    [
        ("", ["hilltop", "seaside"]),
        ("?chain=seaside", ["seaside"]),
        ("?chain=seaside,hilltop", ["hilltop", "seaside"]),
        ("?chain=seaside,%20seaside,seaside", ["seaside"]),
    ],
)
def test_the_chains_asked_for_answer_once_each(client: Client, query: str, answered: list[str]) -> None:
    answer = client.get(PATH + USER_EIP55 + query).json()
    assert [said["chain"] for said in answer["chains"]] == answered


@pytest.mark.usefixtures("_states_stay")
def test_a_lookup_costs_one_statement(client: Client, connection: Connection) -> None:
    add_log(connection, add_job(connection, contract(1)), 5)
    start(connection)
    client.get(PATH + USER_EIP55)
    with statements() as sent:
        assert client.get(PATH + USER_EIP55).status_code == 200
        assert client.get(PATH + USER_EIP55 + "?chain=seaside").status_code == 200
    assert len(sent) == 2
