"""?expand=market: name, protocol, TVL, APY and confidence of the pools that a contract may be."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.market.models import ContractMapping, Pool, Protocol
from indexer.positions.address import checksum
from tests.positions.lookup_rows import USER_EIP55, add_job, add_log, contract, refresh, start

ONE, OTHER, UNKNOWN = contract(1), contract(2), contract(3)
ADDRESS = f"/api/v1/addresses/{USER_EIP55}"
LOOKUP = "/api/v1/addresses/lookup"


@pytest.fixture
def market(chains: list[Chain]) -> Iterator[list[Pool]]:
    """Two pools of ONE on the first chain; of OTHER, what must not be shown."""
    with connect(chains[0]) as made:
        for place in (ONE, OTHER, UNKNOWN):
            add_log(made, add_job(made, place), 5)
        start(made)
        refresh(made)
    protocol = Protocol.objects.create(id="1", slug="some-dex", name="Some DEX")
    pools = [
        Pool.objects.create(
            id=uuid.UUID(int=number),
            chain_name="Hilltop",
            chain_id=chains[0].chain_id,
            project="some-dex",
            protocol=protocol if number == 1 else None,
            symbol=f"POOL-{number}",
            tvl=1000.0 * number if number == 1 else None,
            apy=12345.5 if number == 1 else None,
            created_at=now(),
            vanished_at=now() if number == 3 else None,
        )
        for number in range(1, 4)
    ]
    for pool, place, of in (
        (pools[1], ONE, {"confidence": 0.4}),
        (pools[0], ONE, {"confidence": 1.0}),
        (pools[0], OTHER, {"confidence": 0.2, "refuted": True}),
        (pools[1], OTHER, {"confidence": 0.2, "kind": "token"}),
        (pools[2], OTHER, {"confidence": 1.0}),
        (pools[0], UNKNOWN, {"confidence": 1.0, "chain_id": 999}),
    ):
        given: dict[str, Any] = {"kind": "pool", "chain_id": chains[0].chain_id, "namespace": "eip155", **of}
        ContractMapping.objects.create(pool=pool, address="0x" + place.hex(), **given)
    yield pools
    Pool.objects.all().delete()
    Protocol.objects.all().delete()


def expected(pools: list[Pool]) -> dict[str, list[dict[str, Any]]]:
    first, second = (
        {"pool": str(pool.pk), "name": pool.symbol, "project": "some-dex", "tvl": pool.tvl, "apy": pool.apy}
        for pool in pools[:2]
    )
    shown = [
        {**first, "protocol": "Some DEX", "confidence": 1.0},
        {**second, "protocol": None, "confidence": 0.4},
    ]
    return {checksum(ONE): shown, checksum(OTHER): [], checksum(UNKNOWN): []}


def test_of_one_address(client: Client, market: list[Pool]) -> None:
    plain = client.get(ADDRESS).json()
    response = client.get(ADDRESS, {"expand": "market"})
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers
    found = response.json()
    assert {pool["contract"]: pool.pop("market") for pool in found["chains"][0]["pools"]} == expected(market)
    assert found == plain


def test_of_many(client: Client, market: list[Pool]) -> None:
    body = {"addresses": [USER_EIP55, "0x" + "77" * 20]}
    plain = client.post(LOOKUP, body, content_type="application/json").json()
    found = client.post(f"{LOOKUP}?expand=market", body, content_type="application/json").json()
    pools = found["addresses"][0]["chains"]["hilltop"]
    assert {pool["contract"]: pool.pop("market") for pool in pools} == expected(market)
    assert found == plain


def test_pages_of_contracts_to_check_have_it_as_well(client: Client, market: list[Pool]) -> None:
    found = client.get(ADDRESS, {"expand": "market", "check_also": "all", "chain": "hilltop"}).json()
    assert {pool["contract"]: pool["market"] for pool in found["chains"][0]["pools"]} == expected(market)


def test_of_a_contract_that_may_be_many_pools_the_surest_are_shown(
    client: Client, market: list[Pool], chains: list[Chain]
) -> None:
    for number in range(100, 123):
        pool = Pool.objects.create(
            id=uuid.UUID(int=number), chain_name="Hilltop", project="-", symbol="-", tvl=number, created_at=now()
        )
        of = {"kind": "pool", "chain_id": chains[0].chain_id, "namespace": "eip155", "address": "0x" + ONE.hex()}
        ContractMapping.objects.create(pool=pool, confidence=0.4, **of)
    pools = client.get(ADDRESS, {"expand": "market"}).json()["chains"][0]["pools"]
    found = {pool["contract"]: pool for pool in pools}
    shown = found[checksum(ONE)]
    assert [pool["tvl"] for pool in shown["market"]] == [1000.0, *(float(number) for number in range(122, 103, -1))]
    assert shown["market_more"] == 5
    assert "market_more" not in found[checksum(OTHER)]


@pytest.mark.parametrize("path", [ADDRESS, LOOKUP])
def test_nothing_else_can_be_expanded(client: Client, path: str) -> None:
    ask = client.get if path == ADDRESS else client.post
    response = ask(f"{path}?expand=all")
    assert response.status_code == 400
    assert "only expand=market is" in response.content.decode()


def test_it_costs_one_statement_and_nothing_without(client: Client, market: list[Pool]) -> None:
    client.get(ADDRESS)
    with CaptureQueriesContext(connection) as plain:
        client.get(ADDRESS)
    with CaptureQueriesContext(connection) as expanded:
        client.get(ADDRESS, {"expand": "market"})
    assert not any("contract_mappings" in query["sql"] for query in plain)
    assert len(expanded) <= len(plain) + 1
