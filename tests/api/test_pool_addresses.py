"""GET /api/v1/pools/{chain}/{contract}/addresses: who has ever had a position with a pool, and how sure that is."""

from typing import Any

import pytest
from django.test import Client

from indexer.chains.connections import Connection
from indexer.positions.address import checksum
from tests.positions.lookup_rows import add_job, add_log, contract, refresh, start, statements

PATH = f"/api/v1/pools/hilltop/0x{contract(1).hex()}/addresses"
USERS = [bytes([number]) * 20 for number in (0x11, 0x7F, 0x80, 0xAB, 0xFF)]


@pytest.fixture
def jobs(connection: Connection) -> list[int]:
    """Two jobs of the pool: every user is of the first, the last two are of the second, too, and earlier."""
    first, second = add_job(connection, contract(1)), add_job(connection, contract(1), user_topic=1)
    other = add_job(connection, contract(2))
    for number, user in enumerate(USERS, 10):
        add_log(connection, first, number, address=user)
        add_log(connection, other, 1, address=user)
    for user in USERS[3:]:
        add_log(connection, second, 5, address=user)
    start(connection)
    return [first, second]


def addresses(answer: Any) -> list[tuple[str, int]]:
    return [(item["address"], item["first_block"]) for item in answer["addresses"]]


EVERYBODY = [(checksum(user), block) for user, block in zip(USERS, (10, 11, 12, 5, 5), strict=True)]


def test_every_address_is_named_once_with_its_earliest_touch(client: Client, jobs: list[int]) -> None:
    answer = client.get(PATH).json()
    assert addresses(answer) == EVERYBODY
    del answer["addresses"]
    assert answer == {
        "chain": "hilltop",
        "chain_id": 31337,
        "contract": checksum(contract(1)),
        "as_of": {"block": 100, "hash": "0x" + "ab" * 32, "timestamp": 1_700_000_000, "final": 90},
        "complete": True,
        "unreadable": 0,
        "next": None,
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_lead_through_all_addresses(client: Client, jobs: list[int], limit: int) -> None:
    seen = []
    link: str | None = f"{PATH}?limit={limit}"
    while link:
        answer = client.get(link).json()
        seen += addresses(answer)
        link = answer["next"]
    assert seen == EVERYBODY


def test_an_address_that_comes_meanwhile_repeats_and_hides_nobody(
    client: Client, connection: Connection, jobs: list[int]
) -> None:
    first = client.get(PATH + "?limit=2").json()
    add_log(connection, jobs[0], 99, address=bytes([1]) * 20)
    add_log(connection, jobs[0], 99, address=bytes([0x99]) * 20)
    rest = client.get(first["next"].replace("limit=2", "limit=9")).json()
    assert addresses(first) + [known for known in addresses(rest) if known[1] != 99] == EVERYBODY


def test_a_job_that_is_not_read_to_the_end_makes_the_list_incomplete(
    client: Client, connection: Connection, jobs: list[int]
) -> None:
    connection.execute("UPDATE jobs SET live_from = 50, unreadable = 4 WHERE id = %s", [jobs[1]])
    refresh(connection)
    answer = client.get(PATH).json()
    assert (answer["complete"], answer["unreadable"], len(answer["addresses"])) == (False, 4, 5)


def test_a_disabled_job_names_nobody_as_in_lookups(client: Client, connection: Connection, jobs: list[int]) -> None:
    connection.execute("UPDATE jobs SET enabled = false WHERE id = %s", [jobs[0]])
    assert addresses(client.get(PATH).json()) == EVERYBODY[3:]
    connection.execute("UPDATE jobs SET enabled = false")
    answer = client.get(PATH).json()
    assert (answer["complete"], answer["addresses"]) == (False, [])


def test_a_contract_that_is_not_watched_is_a_404(client: Client) -> None:
    assert client.get(PATH).status_code == 404


def test_any_page_costs_two_statements(client: Client, jobs: list[int]) -> None:
    client.get(PATH)
    for limit in (1, 5):
        with statements() as sent:
            assert len(client.get(PATH, {"limit": limit}).json()["addresses"]) == limit
        assert len(sent) == 2
