"""GET /api/v1/chains/{chain}/jobs: the jobs of a chain, chosen by their properties and paged by id."""

from typing import Any

import pytest
from django.test import Client

from indexer.chains.connections import Connection
from indexer.positions.address import checksum
from tests.positions.lookup_rows import add_job, contract, start, statements

LIST = "/api/v1/chains/hilltop/jobs"


@pytest.fixture
def jobs(connection: Connection) -> dict[str, int]:
    """One job in every state, by name."""
    made = {
        "complete": add_job(connection, contract(1), labels=[("a", "uniswap", "v2"), ("b", "sushi", "pair")]),
        "new": add_job(connection, contract(2), covered=False, labels=[("a", "uniswap", "v3")]),
        "disabled": add_job(connection, contract(3), enabled=False),
        "retired": add_job(connection, contract(4), enabled=False, retired=True),
        "put aside": add_job(connection, contract(0xABCDEF), labels=[("a", "aave", "lending")]),
        "pending": add_job(connection, contract(6), unreadable=3, labels=[]),
    }
    connection.execute("UPDATE jobs SET error = 'too many logs' WHERE id = %s", [made["put aside"]])
    connection.execute("UPDATE jobs SET live_from = 50 WHERE id = %s", [made["pending"]])
    start(connection)
    return made


def ids(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [job["id"] for job in response.json()["jobs"]]


def test_a_job_is_shown_with_its_event_its_labels_and_its_state(client: Client, jobs: dict[str, int]) -> None:
    assert client.get(LIST).json()["jobs"][0] == {
        "id": jobs["complete"],
        "contract": checksum(contract(1)),
        "event": {"topic0": "0x" + "00" * 32, "user_topic": 2},
        "topic0": "0x" + "00" * 32,
        "labels": [
            {"source": "a", "protocol": "uniswap", "product": "v2"},
            {"source": "b", "protocol": "sushi", "product": "pair"},
        ],
        "floor": 0,
        "live_from": 0,
        "state": "complete",
        "complete": True,
        "unreadable": 0,
        "error": None,
        "next_attempt": None,
    }


def test_every_state_can_be_asked_for(client: Client, jobs: dict[str, int]) -> None:
    assert {name: ids(client.get(LIST, {"state": name})) for name in jobs} == {
        name: [job] for name, job in jobs.items()
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["complete", "new", "disabled", "retired", "put aside", "pending"]),
        ("?protocol=uniswap&source=a", ["complete", "new"]),
        ("?protocol=uniswap&product=v3", ["new"]),
        # One label must be all of it: sushi is b's word.
        ("?protocol=sushi&source=a", []),
        ("?has_error=true", ["put aside"]),
        ("?has_error=false&protocol=aave", []),
        ("?unreadable=true", ["pending"]),
        ("?unreadable=false&protocol=aave", ["put aside"]),
        (f"?contract={checksum(contract(0xABCDEF))}", ["put aside"]),
        (f"?contract=0X{contract(0xABCDEF).hex().upper()}", ["put aside"]),
    ],
)
def test_filters_choose_jobs(client: Client, jobs: dict[str, int], query: str, names: list[str]) -> None:
    assert ids(client.get(LIST + query)) == [jobs[name] for name in names]


def test_pages_lead_through_all_jobs_while_others_come_and_go(
    client: Client, connection: Connection, jobs: dict[str, int]
) -> None:
    expected = sorted(jobs.values())
    seen: list[int] = []
    link = LIST + "?limit=2&has_error=false"
    while link:
        answer = client.get(link).json()
        seen += [job["id"] for job in answer["jobs"]]
        if len(seen) == 2:
            connection.execute("DELETE FROM job_labels")
            connection.execute("DELETE FROM jobs WHERE id = %s", [seen[0]])
            expected.append(add_job(connection, contract(9)))
        link = answer["next"]
    assert seen == [job for job in expected if job != jobs["put aside"]]


def test_the_last_page_has_no_next(client: Client, jobs: dict[str, int]) -> None:
    assert client.get(LIST + f"?limit={len(jobs)}").json()["next"] is None
    assert client.get(LIST + f"?limit={len(jobs) - 1}").json()["next"] is not None


def test_no_job_comes_behind_the_last_one_there_can_be(client: Client, jobs: dict[str, int]) -> None:
    for cursor in (2**31 - 1, 2**31, 9_999_999_999):
        assert client.get(LIST, {"cursor": cursor}).json() == {"jobs": [], "next": None}


def test_any_page_costs_the_same(client: Client, connection: Connection, jobs: dict[str, int]) -> None:
    for number in range(50):
        add_job(connection, contract(100 + number))
    counts = []
    for limit in (1, 50):
        client.get(LIST)
        with statements() as sent:
            assert len(ids(client.get(LIST, {"limit": limit, "protocol": "uniswap"}))) == limit
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 4
