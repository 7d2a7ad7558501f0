"""GET /api/v1/market…: lists with filters, orders and pages, and what is known of one."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from django.db import connection
from django.test import Client

from indexer.market.answers.snapshots import ProtocolDay
from indexer.market.linking import link_protocols
from indexer.market.models import ContractMapping, MarketChain, Pool, Protocol
from tests.api.problems import problem
from tests.market.listed import NOW, PROPOSAL, SHARED, SOLANA, TOKEN, VAULT, make_mapping, make_pool, market, pool_id
from tests.positions.lookup_rows import statements

__all__ = ["market"]

BASE = "/api/v1/market"
pytestmark = pytest.mark.usefixtures("market")


def ask(client: Client, path: str, **parameters: object) -> Any:
    response = client.get(f"{BASE}/{path}?{urlencode(parameters)}" if parameters else f"{BASE}/{path}")
    assert response.status_code == 200, response.content
    return response.json()


def numbers(answer: Any) -> list[int]:
    return [int(pool["id"][-4:], 16) for pool in answer["pools"]]


def test_pools_come_by_tvl_and_what_has_none_comes_last(client: Client) -> None:
    assert numbers(ask(client, "pools")) == [2, 1, 4, 3]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"chain": "hilltop"}, [2, 1, 4]),
        ({"chain": "HILLTOP,Solana"}, [2, 1, 4, 3]),
        ({"chain": "31337"}, [2, 1, 4]),
        ({"chain": "solana"}, [3]),
        # By the slug it has on the pool, by the one its protocol has now, and by the id.
        ({"project": "dex"}, [2]),
        ({"project": "dex-v2"}, [2]),
        ({"protocol": "dex"}, [2]),
        ({"protocol": "2"}, [2]),
        ({"protocol": "nobody"}, []),
        ({"stablecoin": "true"}, [1]),
        # Null is not false.
        ({"stablecoin": "false"}, []),
        ({"exposure": "multi"}, [2]),
        ({"min_tvl": "2000000"}, [2, 1, 4]),
        ({"min_tvl": "2.5e6"}, [2]),
        # Null is not zero.
        ({"max_apy": "0"}, [4]),
        ({"min_apy": "3.5", "max_apy": "10000"}, [1]),
        ({"min_apy": "10000"}, [2]),
        ({"token": TOKEN.lower()}, [1]),
        ({"has_contract": "true"}, [1, 3]),
        ({"has_contract": "false"}, [2, 4]),
        ({"search": "sons"}, [1, 3]),
        ({"search": "usdc"}, [2, 1]),
        # It stands for itself, not for any text.
        ({"search": "100%_"}, [1]),
        ({"search": "_"}, [1]),
        ({"search": "\\"}, []),
        ({"vanished": "true"}, [5]),
        ({"order": "tvl"}, [1, 4, 2, 3]),
        ({"order": "apy"}, [4, 1, 2, 3]),
        ({"order": "-apy"}, [2, 1, 4, 3]),
        ({"order": "id"}, [1, 2, 3, 4]),
    ],
)
def test_pools_are_chosen_and_ordered(client: Client, asked: dict[str, str], found: list[int]) -> None:
    assert numbers(ask(client, "pools", **asked)) == found


@pytest.mark.parametrize("order", ["-tvl", "tvl", "-apy", "apy", "-volume_1d", "id"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_have_every_pool_once(client: Client, order: str, limit: int) -> None:
    whole = numbers(ask(client, "pools", order=order))
    found, page = [], ask(client, "pools", order=order, limit=limit)
    while True:
        found += numbers(page)
        if page["next"] is None:
            break
        page = client.get(page["next"]).json()
    assert found == whole
    assert len(found) == 4


def test_a_pool_says_what_is_not_known_with_null_and_names_its_surest_contract(client: Client) -> None:
    listed = {pool["id"]: pool for pool in ask(client, "pools")["pools"]}
    sol, vault, dex = listed[str(pool_id(3))], listed[str(pool_id(1))], listed[str(pool_id(2))]
    assert (sol["tvl"], sol["apy"], sol["chain_id"], sol["stablecoin"]) == (None, None, None, None)
    assert (sol["contract"], sol["confidence"]) == (SOLANA, 0.8)
    assert (vault["contract"], vault["confidence"], vault["protocol_name"]) == (VAULT, 1.0, "Vaults & Sons")
    assert (dex["contract"], dex["confidence"], dex["apy"]) == (SHARED, 0.4, 123456.75)


def test_a_contract_for_which_nothing_speaks_any_more_is_not_that_of_the_pool(client: Client) -> None:
    ContractMapping.objects.filter(address=SOLANA).update(confidence=0)
    found = ask(client, f"pools/{pool_id(3)}")
    assert (found["contract"], found["confidence"]) == (None, None)
    assert [(each["address"], each["confidence"]) for each in found["mappings"]] == [(SOLANA, 0.0)]


def test_a_pool_shows_its_mappings_with_their_evidence(client: Client) -> None:
    pool = ask(client, f"pools/{pool_id(1)}")
    shown = [(each["address"], each["kind"], each["confidence"], each["refuted"]) for each in pool["mappings"]]
    assert shown == [
        (VAULT, "pool", 1.0, False),
        (TOKEN.lower(), "token", 0.6, False),
        (SHARED, "pool", 0.2, True),
    ]
    assert pool["mappings"][0]["words"] == "the contract itself answers as this pool would (chain)"
    assert pool["mappings"][2]["words"].startswith("the chain contradicts it")
    # A kind that nobody knows yet is shown, without words.
    assert [each["words"] == "" for each in pool["mappings"][0]["evidence"]] == [False, False, True]
    first = pool["mappings"][0]["evidence"][0]
    assert (first["kind"], first["source"], first["detail"], first["block"]) == (
        "identity",
        "chain",
        {"call": "asset()"},
        7,
    )
    assert ask(client, f"pools/{pool_id(5)}")["vanished_at"] == "2026-11-20T03:00:00Z"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [VAULT, TOKEN.lower(), SHARED, SOLANA]),
        ({"address": VAULT.upper().replace("X", "x")}, [VAULT]),
        ({"address": SOLANA}, [SOLANA]),
        ({"address": SOLANA.lower()}, []),
        ({"chain": "hilltop", "min_confidence": "0.6"}, [VAULT, TOKEN.lower()]),
        # A chain without a chain id is known by its name alone.
        ({"chain": "solana"}, [SOLANA]),
        ({"chain": "31337,SOLANA", "kind": "pool"}, [VAULT, SHARED, SOLANA]),
        ({"kind": "token"}, [TOKEN.lower()]),
        ({"refuted": "true"}, [SHARED]),
        ({"pool": str(pool_id(2))}, [SHARED]),
        ({"address": SHARED}, [SHARED]),
    ],
)
def test_mappings_are_chosen(client: Client, asked: dict[str, str], found: list[str]) -> None:
    assert [each["address"] for each in ask(client, "mappings", **asked)["mappings"]] == found


def test_addresses_of_other_chains_are_asked_as_they_are_written(client: Client) -> None:
    coin = "0x1::aptos_coin::AptosCoin"
    make_mapping(3, coin, "underlying", namespace="aptos", chain_id=None, kind="token", confidence=0.2)
    assert [each["address"] for each in ask(client, "mappings", address=coin)["mappings"]] == [coin]
    assert ask(client, "mappings", address=coin.lower())["mappings"] == []


def test_pages_have_every_mapping_once(client: Client) -> None:
    first = ask(client, "mappings", limit=3)
    second = client.get(first["next"]).json()
    found = [each["address"] for each in first["mappings"] + second["mappings"]]
    assert (found, second["next"]) == ([VAULT, TOKEN.lower(), SHARED, SOLANA], None)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["1", "2"]),
        ({"order": "id"}, ["1", "2"]),
        ({"chain": "solana"}, ["1"]),
        ({"chain": "31337"}, ["1", "2"]),
        ({"chain": "SOLANA, hilltop"}, ["1", "2"]),
        ({"category": "dexs"}, ["2"]),
        ({"search": "dex"}, ["2"]),
        ({"search": "& sons"}, ["1"]),
        ({"min_tvl": "1"}, ["1"]),
        ({"vanished": "true"}, ["3"]),
    ],
)
def test_protocols_are_chosen(client: Client, asked: dict[str, str], found: list[str]) -> None:
    assert [each["id"] for each in ask(client, "protocols", **asked)["protocols"]] == found


@pytest.mark.parametrize("name", ["seaside", "31338", "bsc", "56", "Binance"])
def test_a_chain_has_all_the_names_that_the_source_gives_it(client: Client, name: str) -> None:
    """Among chains it is called BSC, by protocols Binance; and one of ours is called otherwise by us."""
    MarketChain.objects.create(name="Shore", chain_id=31338)
    MarketChain.objects.create(name="BSC", chain_id=56)
    Protocol.objects.filter(pk="2").update(chains=["Binance", "Shore"])
    make_pool(6, chain_name="BSC", chain_id=56)
    make_pool(7, chain_name="Shore", chain_id=31338)
    assert [each["id"] for each in ask(client, "protocols", chain=name)["protocols"]] == ["2"]
    Protocol.objects.all().delete()
    assert numbers(ask(client, "pools", chain=name)) == ([7] if name in ("seaside", "31338") else [6])


def test_a_chain_that_only_protocols_have_is_one(client: Client) -> None:
    Protocol.objects.filter(pk="2").update(chains=["Sunk Chain"])
    assert [each["id"] for each in ask(client, "protocols", chain="sunk chain")["protocols"]] == ["2"]
    assert ask(client, "pools", chain="sunk chain")["pools"] == []


def test_pages_have_every_protocol_once(client: Client) -> None:
    first = ask(client, "protocols", limit=1)
    second = client.get(first["next"]).json()
    assert [each["id"] for each in first["protocols"] + second["protocols"]] == ["1", "2"]
    assert second["next"] is None


@pytest.mark.parametrize("asked", ["2", "dex-v2", "dex"])
def test_a_protocol_is_found_by_its_id_its_slug_and_one_that_it_had(client: Client, asked: str) -> None:
    found = ask(client, f"protocols/{asked}")
    assert (found["id"], [alias["slug"] for alias in found["aliases"]]) == ("2", ["dex", "dex-v2"])
    assert (found["tvl"], found["pools"], found["pools_tvl"], found["best_apy"]) == (None, 1, 3e6, 123456.75)
    # A contract of 0.4 is a guess.
    assert found["mapped_pools"] == 0
    assert ask(client, "protocols/vaults")["mapped_pools"] == 2


def test_protocols_that_exchange_their_slugs_do_not_exchange_their_pools(client: Client) -> None:
    Protocol.objects.filter(pk="1").update(slug="dex-v2")
    Protocol.objects.filter(pk="2").update(slug="vaults")
    Pool.objects.filter(protocol="1").update(project="dex-v2")
    Pool.objects.filter(protocol="2").update(project="vaults")
    link_protocols()
    for slug, protocol, pools in (("vaults", "2", [2]), ("dex-v2", "1", [1, 3]), ("dex", "2", [2])):
        assert ask(client, f"protocols/{slug}")["id"] == protocol
        assert numbers(ask(client, "pools", project=slug)) == pools
        assert numbers(ask(client, "pools", protocol=slug)) == pools


@pytest.mark.parametrize(("tvl", "vanished"), [(1.0, NOW), (9e9, NOW), (1.0, None)])
def test_a_slug_leads_to_the_protocol_that_has_its_pools(client: Client, tvl: float, vanished: datetime | None) -> None:
    """The source gives a protocol another id now and then: the old one vanishes, and has the slug, too."""
    Protocol.objects.filter(pk="1").update(vanished_at=vanished)
    Protocol.objects.create(id="0", slug="vaults", name="Vaults", tvl=tvl)
    link_protocols()
    found = ask(client, "protocols/vaults")
    assert (found["id"], found["pools"], found["vanished_at"]) == ("0", 2, None)
    assert numbers(ask(client, "pools", protocol="vaults")) == [1, 3]
    assert ask(client, "protocols/vaults/snapshots")["protocol"] == "0"


def test_days_come_from_the_oldest_on_and_may_be_bounded(client: Client) -> None:
    path = f"pools/{pool_id(1)}/snapshots"
    found = ask(client, path)
    assert [(day["day"], day["tvl"], day["apy"]) for day in found["days"]] == [
        ("2026-10-31", 1000000.0, None),
        ("2026-11-01", 1000001.0, 3.5),
        ("2026-11-03", 1000002.0, 3.5),
    ]
    bounded = ask(client, path, **{"from": "2026-11-01", "to": "2026-11-02"})
    assert [day["day"] for day in bounded["days"]] == ["2026-11-01"]
    assert ask(client, f"pools/{pool_id(2)}/snapshots")["days"] == []
    dex = ask(client, "protocols/dex/snapshots")
    assert (dex["protocol"], [day["tvl"] for day in dex["days"]]) == ("2", [4e9, 4e9 + 1, 4e9 + 2])


def test_a_day_without_pools_has_no_number_of_them(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE protocol_daily_snapshots SET pools = NULL, pools_tvl = NULL WHERE day = '2026-11-01'")
    days = msgspec.convert(ask(client, "protocols/dex/snapshots")["days"], list[ProtocolDay])
    assert [day.pools for day in days] == [1, None, 1]


def test_pages_have_every_day_once(client: Client) -> None:
    page = ask(client, f"pools/{pool_id(1)}/snapshots", limit=1)
    found = [page]
    while page["next"]:
        page = client.get(page["next"]).json()
        found.append(page)
    assert [day["day"] for each in found for day in each["days"]] == ["2026-10-31", "2026-11-01", "2026-11-03"]


def test_chains_say_which_of_ours_they_are(client: Client) -> None:
    hilltop, solana = ask(client, "chains")["chains"]
    assert (hilltop["name"], hilltop["ours"], hilltop["pools"]) == ("Hilltop", "hilltop", 3)
    assert (solana["name"], solana["ours"], solana["chain_id"], solana["tvl"]) == ("Solana", None, None, None)


def test_rejected_rows_come_newest_first(client: Client) -> None:
    first = ask(client, "rejected", limit=1)
    assert [(row["key"], row["reason"], row["times"]) for row in first["rejected"]] == [("y", "spike", 3)]
    assert [row["key"] for row in client.get(first["next"]).json()["rejected"]] == ["x"]
    assert [row["key"] for row in ask(client, "rejected", reason="shape")["rejected"]] == ["x"]


def test_proposals_are_listed_by_their_state(client: Client) -> None:
    proposal = ask(client, "proposals", state="proposed", chain="hilltop")["proposals"][0]
    assert (proposal["id"], proposal["contract"], proposal["confidence"]) == (PROPOSAL, VAULT, 1.0)
    assert proposal["entry"]["event"] == "Transfer"
    assert (proposal["decided_at"], proposal["decided_by"], proposal["job"]) == (None, "", None)
    assert ask(client, f"proposals/{PROPOSAL}") == proposal
    assert ask(client, "proposals", state="accepted")["proposals"] == []
    assert ask(client, "proposals", chain="seaside")["proposals"] == []


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("pools?chain=atlantis", "Unknown chain 'atlantis'. /api/v1/market/chains lists"),
        ("protocols?chain=atlantis", "Unknown chain 'atlantis'. /api/v1/market/chains lists"),
        ("pools?chain=hilltop,,", "chain has an empty name in it"),
        ("pools?min_tvl=nan", "min_tvl: A number is needed."),
        ("pools?min_tvl=1_000", "min_tvl: A number is needed."),
        ("pools?order=name", "order: It is one of"),
        ("pools?cursor=x", "cursor: It is none"),
        ("pools?format=xml", "format: It is one of json, csv."),
        ("pools?format=csv&limit=3", "limit goes with JSON"),
        ("proposals?chain=atlantis", "Unknown chain 'atlantis'"),
        ("pools/lido", "'lido' in the path is no id of a pool"),
        ("mappings?min_confidence=2", "min_confidence:"),
        ("protocols/1/snapshots?from=2026-W01-1", "from: A day is needed"),
        ("protocols/1/snapshots?from=2026-02-30", "from: A day is needed"),
        ("protocols/1/snapshots?from=2026-02-03&to=2026-02-02", "to=2026-02-02 is before from=2026-02-03"),
        ("protocols/1/snapshots?cursor=2026-02-30", "cursor: It is none"),
        ("protocols/1/snapshots?cursor=9999-12-31", "cursor: It is none"),
    ],
)
def test_a_wrong_question_is_told_what_would_be_right(client: Client, path: str, named: str) -> None:
    assert named in problem(client.get(f"{BASE}/{path}"), 400)["detail"]


@pytest.mark.parametrize(
    "path", [f"pools/{pool_id(9)}", f"pools/{pool_id(9)}/snapshots", "protocols/nobody", "protocols/a%00b/snapshots"]
)
def test_what_is_not_in_the_market_is_a_404(client: Client, path: str) -> None:
    assert "finds some" in problem(client.get(f"{BASE}/{path}"), 404)["detail"]


@pytest.mark.parametrize("proposal", [8, 2**31, 10**30])
def test_a_proposal_that_is_not_there_is_a_404(client: Client, proposal: int) -> None:
    assert f"no proposal {proposal}" in problem(client.get(f"{BASE}/proposals/{proposal}"), 404)["detail"]


@pytest.mark.parametrize(
    ("path", "most"),
    [("pools", 1), ("pools?chain=hilltop", 2), (f"pools/{pool_id(1)}", 2), ("mappings", 1), ("protocols/dex", 2)],
)
def test_an_answer_costs_few_statements(client: Client, path: str, most: int) -> None:
    with statements() as seen:
        assert client.get(f"{BASE}/{path}").status_code == 200
    assert len(seen) <= most
