"""POST /api/v1/addresses/lookup: many addresses in one statement, each as GET would answer it."""

import random
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.positions.address import checksum
from tests.positions.lookup_rows import (
    USER,
    USER_EIP55,
    add_job,
    add_log,
    add_metadata,
    contract,
    refresh,
    start,
    statements,
)

PATH = "/api/v1/addresses/lookup"
ADDRESS = "/api/v1/addresses/"
USERS = [bytes([number]) * 20 for number in range(1, 30)]


def post(client: Client, **body: object) -> Any:
    return client.post(PATH, body, content_type="application/json")


def fill(chains: list[Chain], seed: int) -> None:
    """Jobs of every kind, several of one contract among them, and rows at random."""
    chance = random.Random(seed)
    for chain in chains:
        with connect(chain) as connection:
            jobs = [
                add_job(
                    connection,
                    contract(chance.randrange(1, 9) << 150),
                    user_topic=number,
                    labels=[("list", f"protocol{chance.randrange(3)}", "pool"), ("other", "aave", "v3")][: number % 3],
                    metadata="tokenId" if number % 2 else None,
                    covered=chance.random() < 0.8,
                    enabled=chance.random() < 0.8,
                    retired=chance.random() < 0.2,
                )
                for number in range(12)
            ]
            for user in USERS[:-3]:
                for job in chance.sample(jobs, chance.randrange(6)):
                    add_log(connection, job, chance.randrange(5), address=user)
                    if jobs.index(job) % 2:
                        values = [str(chance.randrange(30)) for _ in range(chance.randrange(4))]
                        add_metadata(connection, job, "tokenId", *set(values), address=user)
            start(connection)


@pytest.mark.parametrize("seed", range(5))
def test_every_address_is_answered_as_by_itself(client: Client, chains: list[Chain], seed: int) -> None:
    fill(chains, seed)
    batch = post(client, addresses=[checksum(user) for user in USERS]).json()
    for said, user in zip(batch["addresses"], USERS, strict=True):
        alone = client.get(ADDRESS + checksum(user)).json()
        assert said["address"] == alone["address"]
        assert said["chains"] == {chain["chain"]: chain["pools"] for chain in alone["chains"] if chain["pools"]}
        for chain in (*batch["chains"], *alone["chains"]):
            chain.pop("pools", None)
        assert batch["chains"] == alone["chains"]
    assert any(said["chains"] for said in batch["addresses"])


def test_each_address_is_answered_once_in_the_order_first_given(client: Client) -> None:
    first, second = checksum(USERS[0]), USER_EIP55
    answer = post(client, addresses=[second.lower(), first, "0X" + second[2:].upper(), first.lower()]).json()
    assert [said["address"] for said in answer["addresses"]] == [second, first]


@pytest.mark.parametrize("chosen", [["seaside"], ["seaside", "hilltop", "seaside"]])
def test_only_the_chains_asked_for_answer(client: Client, chosen: list[str]) -> None:
    answer = post(client, addresses=[USER_EIP55], chains=chosen).json()
    assert [chain["chain"] for chain in answer["chains"]] == sorted(set(chosen))


def test_a_thousand_addresses_cost_one_statement(client: Client, connection: Connection) -> None:
    add_log(connection, add_job(connection, contract(1)), 5)
    start(connection)
    addresses = [f"0x{number:040x}" for number in range(999)] + [USER_EIP55]
    post(client, addresses=addresses)
    with statements() as sent:
        answer = post(client, addresses=addresses).json()
    assert len(sent) == 1
    assert len(answer["addresses"]) == 1000
    assert answer["addresses"][-1]["chains"]["hilltop"][0]["first_block"] == 5


def test_a_link_to_the_rest_of_what_to_check_leaves_the_address_open(client: Client, connection: Connection) -> None:
    for number in range(1, 103):
        add_job(connection, contract(number), covered=False)
    add_log(connection, add_job(connection, contract(500)), 1)
    start(connection)
    said = post(client, addresses=[USER_EIP55], chains=["hilltop"]).json()["chains"][0]["check_also"]
    assert (said["count"], len(said["contracts"])) == (102, 100)
    page = client.get(said["next"].format(address=USER_EIP55)).json()["chains"][0]
    assert [int(name, 16) for name in page["check_also"]["contracts"]] == [101, 102]
    assert len(page["pools"]) == 1


def test_an_address_without_pools_has_no_chains_and_the_state_is_there_all_the_same(
    client: Client, connection: Connection
) -> None:
    add_job(connection, contract(1))
    refresh(connection)
    answer = post(client, addresses=[USER_EIP55]).json()
    assert answer["addresses"] == [{"address": USER_EIP55, "chains": {}}]
    assert [(chain["as_of"], chain["complete"]) for chain in answer["chains"]] == [(None, False)] * 2


def test_nothing_keeps_the_answer(client: Client) -> None:
    response = post(client, addresses=[USER_EIP55])
    assert (response["Content-Type"], response["Cache-Control"]) == ("application/json", "no-store")
    assert "ETag" not in response


def test_a_login_needs_no_csrf_token_since_nothing_is_changed(chains: list[Chain]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["sessionid"] = "something"
    assert post(strict, addresses=[USER_EIP55]).status_code == 200


def test_reading_may_be_closed_to_the_public(client: Client, settings: Settings) -> None:
    settings.PUBLIC_READ = False
    assert post(client, addresses=[USER_EIP55]).status_code == 401


def test_metadata_of_a_hidden_job_is_hidden_with_it(client: Client, connection: Connection) -> None:
    shown = add_job(connection, contract(1), metadata="tokenId", user_topic=1)
    hidden = add_job(connection, contract(1), metadata="tokenId", user_topic=2, enabled=False)
    for job, value in ((shown, "1"), (hidden, "2")):
        add_log(connection, job, 5)
        add_metadata(connection, job, "tokenId", value)
    start(connection)
    (pool,) = post(client, addresses=["0x" + USER.hex()]).json()["addresses"][0]["chains"]["hilltop"]
    assert pool["metadata"] == {"tokenId": ["1"]}
