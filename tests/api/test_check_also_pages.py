"""Every contract that must be checked by hand can be read, page by page."""

from typing import Any

import pytest
from django.test import Client

from indexer.chains.connections import Connection
from indexer.positions.address import checksum
from tests.positions.lookup_rows import TOPIC0, USER_EIP55, add_job, add_log, contract, refresh, start

ADDRESS = "/api/v1/addresses/" + USER_EIP55
UNREAD = 2300


@pytest.fixture
def unread(connection: Connection) -> list[str]:
    """Contracts of pending jobs, some with two; and some that need no check."""
    for topic in (1, 2):
        connection.execute(
            "INSERT INTO jobs (contract_address, topic0, user_topic, enabled, retired, floor, covered, complete,"
            " unreadable, attempts) SELECT substr(sha256(i::text::bytea), 1, 20), %s, %s, true, false, 0, '{}', false,"
            " 0, 0 FROM generate_series(1, %s) i WHERE %s = 1 OR i %% 3 = 0",
            [TOPIC0, topic, UNREAD - 1, topic],
        )
    add_job(connection, contract(1), unreadable=1)
    add_job(connection, contract(2))
    add_job(connection, contract(3), covered=False, enabled=False)
    start(connection)
    rows = connection.execute(
        "SELECT DISTINCT contract_address FROM jobs WHERE enabled AND contract_address <> %s", [contract(2)]
    )
    return [checksum(row[0]) for row in sorted(rows.fetchall())]


def follow(client: Client, path: str) -> list[list[str]]:
    pages = []
    while path:
        (said,) = client.get(path).json()["chains"]
        assert said["check_also"]["count"] == UNREAD
        pages.append(said["check_also"]["contracts"])
        path = said["check_also"].get("next", "")
    return pages


@pytest.mark.parametrize(
    ("query", "sizes"),
    [
        ("?chain=hilltop", [100, 1000, 1000, 200]),
        ("?chain=hilltop&check_also=all", [1000, 1000, 300]),
    ],
)
def test_following_next_gives_every_contract_once(
    client: Client, unread: list[str], query: str, sizes: list[int]
) -> None:
    pages = follow(client, ADDRESS + query)
    assert [len(page) for page in pages] == sizes
    assert [name for page in pages for name in page] == unread


def test_a_link_leads_to_the_same_address_and_chain(client: Client, unread: list[str]) -> None:
    said: list[dict[str, Any]] = client.get(ADDRESS).json()["chains"]
    assert said[0]["check_also"]["next"] == f"{ADDRESS}?check_also=all&chain=hilltop&after={unread[99]}"
    assert "next" not in said[1]["check_also"]


def test_a_full_last_page_leads_nowhere(client: Client, unread: list[str]) -> None:
    after = unread[UNREAD - 1001]
    (said,) = client.get(f"{ADDRESS}?chain=hilltop&check_also=all&after={after.lower()}").json()["chains"]
    assert said["check_also"] == {"count": UNREAD, "contracts": unread[-1000:]}


def test_a_job_completed_between_two_pages_is_a_pool_of_the_later_one(
    client: Client, connection: Connection, unread: list[str]
) -> None:
    first = client.get(f"{ADDRESS}?chain=hilltop&check_also=all").json()["chains"][0]
    last = bytes.fromhex(unread[-1][2:])
    jobs = connection.execute(
        "UPDATE jobs SET live_from = 0 WHERE contract_address = %s RETURNING id", [last]
    ).fetchall()
    add_log(connection, jobs[0][0], 3)
    refresh(connection)
    path: str = first["check_also"]["next"]
    named: set[str] = set(first["check_also"]["contracts"])
    pools: set[str] = set()
    while path:
        (said,) = client.get(path).json()["chains"]
        named.update(said["check_also"]["contracts"])
        pools.update(pool["contract"] for pool in said["pools"])
        path = said["check_also"].get("next", "")
    assert unread[-1] not in named
    assert pools == {unread[-1]}
    assert named | pools == set(unread)
