"""GET /api/v1/pools: the watched contracts of all chains."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from api.resource import Resource
from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain, schema_of
from indexer.positions.address import checksum
from tests.positions.lookup_rows import add_job, contract, start, statements

LIST = "/api/v1/pools"


@pytest.fixture
def pools(chains: list[Chain]) -> None:
    """Three pools on hilltop, the first of two jobs; two on seaside, one of them of the same contract."""
    with connect(chains[0]) as hilltop, connect(chains[1]) as seaside:
        add_job(hilltop, contract(1), labels=[("a", "uniswap", "v2"), ("b", "uniswap", "v2")])
        add_job(hilltop, contract(1), user_topic=1, labels=[("a", "sushi", "pair")], covered=False, unreadable=2)
        add_job(hilltop, contract(2), enabled=False)
        add_job(hilltop, contract(0xABCDEF), labels=[("a", "aave", "lending")])
        add_job(hilltop, contract(4), enabled=False, retired=True)
        add_job(seaside, contract(1), labels=[])
        add_job(seaside, contract(5), labels=[("a", "aave", "stable")])
        start(hilltop)
        start(seaside)


def keys(answer: Any) -> list[tuple[str, int]]:
    return [(pool["chain"], int(pool["contract"], 16)) for pool in answer["pools"]]


@pytest.mark.usefixtures("pools")
def test_a_pool_is_all_jobs_of_its_contract(client: Client) -> None:
    answer = client.get(LIST).json()
    assert answer["pools"][0] == {
        "chain": "hilltop",
        "chain_id": 31337,
        "contract": checksum(contract(1)),
        "labels": [{"protocol": "sushi", "product": "pair"}, {"protocol": "uniswap", "product": "v2"}],
        "enabled": True,
        "floor": 0,
        "complete": False,
        "unreadable": 2,
    }
    assert [(pool["enabled"], pool["complete"]) for pool in answer["pools"]] == [
        (True, False),
        (False, False),
        (True, True),
        (True, True),
        (True, True),
    ]


@pytest.mark.usefixtures("pools")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [("hilltop", 1), ("hilltop", 2), ("hilltop", 0xABCDEF), ("seaside", 1), ("seaside", 5)]),
        ("?chain=seaside", [("seaside", 1), ("seaside", 5)]),
        ("?chain=seaside,hilltop&protocol=aave", [("hilltop", 0xABCDEF), ("seaside", 5)]),
        ("?protocol=aave&product=stable", [("seaside", 5)]),
        # The protocol of one label and the product of another are no label.
        ("?protocol=uniswap&product=pair", []),
        ("?contract=0x" + contract(1).hex(), [("hilltop", 1), ("seaside", 1)]),
        ("?contract=0X" + contract(0xABCDEF).hex().upper(), [("hilltop", 0xABCDEF)]),
        ("?contract=0x" + contract(4).hex(), []),
        (f"?contract=0x{contract(1).hex()}&protocol=sushi&product=pair&chain=hilltop", [("hilltop", 1)]),
        (f"?contract=0x{contract(1).hex()}&protocol=aave", []),
    ],
)
def test_filters_choose_pools(client: Client, query: str, found: list[tuple[str, int]]) -> None:
    assert keys(client.get(LIST + query).json()) == found


@pytest.mark.usefixtures("pools")
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_lead_from_chain_to_chain(client: Client, limit: int) -> None:
    seen = []
    link: str | None = f"{LIST}?limit={limit}"
    while link:
        answer = client.get(link).json()
        assert len(answer["pools"]) <= limit
        seen += keys(answer)
        link = answer["next"]
    assert seen == keys(client.get(LIST).json())


@pytest.mark.usefixtures("pools")
def test_a_pool_shows_its_jobs_and_the_block_that_is_true_for(client: Client) -> None:
    answer = client.get(f"{LIST}/hilltop/0X{contract(1).hex().upper()}").json()
    assert answer["as_of"] == {"block": 100, "hash": "0x" + "ab" * 32, "timestamp": 1_700_000_000, "final": 90}
    assert [job["state"] for job in answer["jobs"]] == ["complete", "new"]
    listed = client.get(LIST).json()["pools"][0]
    assert {key: answer[key] for key in listed} == listed


@pytest.mark.usefixtures("pools")
@pytest.mark.parametrize("number", [4, 9])
def test_a_contract_that_is_not_watched_is_a_404(client: Client, number: int) -> None:
    response = client.get(f"{LIST}/hilltop/0x{contract(number).hex()}")
    assert response.status_code == 404
    assert response.json()["detail"] == f"{checksum(contract(number))} is not watched on hilltop."


def test_a_chain_never_indexed_says_so(client: Client, connection: Connection) -> None:
    add_job(connection, contract(1))
    assert client.get(f"{LIST}/hilltop/0x{contract(1).hex()}").json()["as_of"] is None


@pytest.fixture
def _many_chains(django_db_setup: None, client: Client) -> Iterator[None]:
    made = [
        Chain(schema_name=schema_of(f"island{number}"), slug=f"island{number}", chain_id=900 + number)
        for number in range(8)
    ]
    for chain in made:
        chain.save(verbosity=0)
        with connect(chain) as connection:
            for number in range(20):
                add_job(connection, contract(1 + number))
    Resource.chains.forget()
    yield
    for chain in made:
        chain.delete(force_drop=True)
    Resource.chains.forget()


@pytest.mark.usefixtures("pools", "_many_chains")
def test_ten_chains_cost_two_statements_for_any_page(client: Client) -> None:
    client.get(LIST)
    for limit in (1, 150):
        with statements() as sent:
            assert len(client.get(LIST, {"limit": limit}).json()["pools"]) == limit
        assert len(sent) == 2
    with statements() as sent:
        assert len(client.get("/api/v1/chains").json()["chains"]) == 10
    assert len(sent) == 2
    with statements() as sent:
        assert set(client.get("/support").json()) == {"aave", "sushi", "uniswap"}
    assert len(sent) == 1
