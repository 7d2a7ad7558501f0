"""Alchemy and Moralis as witnesses, over real HTTP: of what is not sure yet, and never in the way of anything."""

import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from config.masks import Mask
from indexer.chains.models import Chain
from indexer.market.models import ContractMapping, MappingEvidence, Pool
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.tasks.declaring import Counts, LooseRun, Wait
from tests.market.listed import forget_market
from tests.standin.server import StandIn
from tests.standin.tokens import MORALIS

KEY = "a-key-of-32-letters"
TRUE, OTHER, SPAM = ("0x" + byte * 20 for byte in ("a1", "a2", "a3"))
ETHEREUM = "/eth-mainnet/v2"


class Listening(LooseRun):
    """Keeps what was reserved and learned. `refused`: APIs that may not be asked before tomorrow."""

    def __init__(self, *refused: str) -> None:
        super().__init__()
        self.refused = refused
        self.reserved: list[str] = []
        self.learned: list[tuple[str, int]] = []

    def reserve(self, api: str) -> None:
        if api in self.refused:
            raise Wait(f"{api}: its budget is spent", now() + timedelta(days=1))
        self.reserved.append(api)

    def learn(self, api: str, status: int, headers: Mapping[str, str]) -> None:
        self.learned.append((api, status))


@pytest.fixture
def tokens(standin: StandIn, standin_url: str, settings: Settings) -> StandIn:
    """Both services, with keys; DeFiLlama without one. No chain of ours is among the pools'."""
    settings.DEFILLAMA_API_KEY = ""
    settings.ALCHEMY_API_KEY = settings.MORALIS_API_KEY = KEY
    for address in (TRUE, SPAM):
        standin.tokens.symbols[1, address] = "aEthUSDC"
    standin.tokens.symbols[1, OTHER] = "PEPE"
    standin.tokens.spam.add((1, SPAM))
    return standin


@pytest.fixture
def pools(chains: list[Chain]) -> Iterator[dict[str, Pool]]:
    """By the address in their URLs; all are said to be USDC on Ethereum."""
    forget_market()
    yield {address: place(number, address) for number, address in enumerate((TRUE, OTHER, SPAM), 1)}
    forget_market()


def place(number: int, address: str, **of: Any) -> Pool:
    given = {"chain_name": "Ethereum", "chain_id": 1, "symbol": "USDC", "url": f"https://dex.example/{address}", **of}
    return Pool.objects.create(id=f"00000000-0000-4000-8000-{number:012}", project="p", created_at=now(), **given)


def confidences() -> dict[str, float]:
    return dict(ContractMapping.objects.values_list("address", "confidence"))


def test_a_service_that_knows_the_token_is_a_reliable_source(tokens: StandIn, pools: dict[str, Pool]) -> None:
    run = Listening()
    map_contracts(run)
    assert confidences() == {TRUE: 0.6, OTHER: 0.4, SPAM: 0.6}
    said = MappingEvidence.objects.filter(kind="symbol").order_by("mapping__address", "source")
    assert [(each.mapping.address, each.source) for each in said] == [
        (TRUE, "alchemy"),
        (TRUE, "moralis"),
        (SPAM, "alchemy"),
    ]
    assert said[0].detail == {"symbol": "aEthUSDC", "pool": "USDC"}
    # One request for each address, and one for all of them.
    assert (tokens.asked[ETHEREUM], tokens.asked[MORALIS]) == (3, 1)
    assert set(tokens.tokens.keys) == {KEY}
    assert run.learned == [("alchemy", 200)] * 3 + [("moralis", 200)]
    assert run.reserved == ["alchemy"] * 3 + ["moralis"]


def test_with_a_source_that_names_the_contract_they_agree(
    tokens: StandIn, pools: dict[str, Pool], settings: Settings
) -> None:
    settings.DEFILLAMA_API_KEY = KEY
    old = tokens.table(f"/{KEY}/yields/poolsOld")
    for address, pool in pools.items():
        told = {"pool": str(pool.pk), "pool_old": f"{address}-ethereum", "poolTokenAddress": None, "url": pool.url}
        old.add(old.read()[0] | told)
    map_contracts(Listening())
    found = {address: confidences()[address] for address in pools}
    assert found == {TRUE: 0.8, OTHER: 0.6, SPAM: 0.8}
    mapping = ContractMapping.objects.get(address=TRUE)
    assert {each.source for each in mapping.evidence.all()} == {"defillama", "defillama-pro", "alchemy", "moralis"}


def test_what_they_said_before_stays_as_long_as_they_are_not_asked_and_goes_when_they_say_it_no_more(
    tokens: StandIn, pools: dict[str, Pool], settings: Settings
) -> None:
    map_contracts(Listening())
    again = map_contracts(Listening())
    assert again == Counts(unchanged=3)
    settings.ALCHEMY_API_KEY = settings.MORALIS_API_KEY = ""
    before = tokens.asked.copy()
    map_contracts(Listening())
    assert confidences()[TRUE] == 0.6
    assert tokens.asked == before
    settings.ALCHEMY_API_KEY = settings.MORALIS_API_KEY = KEY
    tokens.tokens.symbols.clear()
    map_contracts(Listening())
    assert set(confidences().values()) == {0.4}
    assert not MappingEvidence.objects.filter(kind="symbol").exists()


def test_a_token_that_a_pool_holds_and_chains_that_nobody_knows_are_not_asked_about(
    tokens: StandIn, pools: dict[str, Pool]
) -> None:
    Pool.objects.filter(url__contains=TRUE).update(underlying_tokens=[TRUE])
    Pool.objects.filter(url__contains=OTHER).update(chain_id=700_000)
    Pool.objects.filter(url__contains=SPAM).update(chain_id=None, chain_name="Solana")
    map_contracts(Listening())
    assert (tokens.asked[ETHEREUM], tokens.asked[MORALIS]) == (0, 0)
    assert confidences()[TRUE] == 0.2


@pytest.mark.parametrize("status", [401, 402])
def test_a_service_that_does_not_take_the_key_is_left_out(
    tokens: StandIn, pools: dict[str, Pool], caplog: pytest.LogCaptureFixture, status: int
) -> None:
    tokens.fail(ETHEREUM, status=status, text="Must be authenticated!", times=None)
    run = Listening()
    with caplog.at_level(logging.WARNING):
        map_contracts(run)
    assert confidences() == {TRUE: 0.6, OTHER: 0.4, SPAM: 0.4}
    assert run.learned == [("alchemy", status), ("moralis", 200)]
    assert f"alchemy is not asked about tokens of chain 1: alchemy:eth-mainnet: HTTP {status}" in caplog.text
    assert KEY not in caplog.text


def test_what_passes_is_asked_again(tokens: StandIn, pools: dict[str, Pool]) -> None:
    tokens.fail(ETHEREUM, status=429, headers={"Retry-After": "1"}, text="slow down")
    tokens.fail(ETHEREUM, status=200, text='{"jsonrpc":"2.0","id":1,"error":{"code":429,"message":"too many"}}')
    tokens.fail(MORALIS, status=503, text="<html>", times=2)
    run = Listening()
    map_contracts(run)
    assert confidences() == {TRUE: 0.6, OTHER: 0.4, SPAM: 0.6}
    assert run.learned[:4] == [("alchemy", 429), ("alchemy", 200), ("alchemy", 429), ("alchemy", 200)]
    assert run.learned[-3:] == [("moralis", 503), ("moralis", 503), ("moralis", 200)]


@pytest.mark.parametrize(
    "text",
    [
        "<html>Just a moment...",
        "[]",
        '{"result": {"symbol": 7}}',
        '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"internal"}}',
    ],
)
def test_an_answer_that_cannot_be_used_leaves_the_service_out(
    tokens: StandIn, pools: dict[str, Pool], caplog: pytest.LogCaptureFixture, text: str
) -> None:
    tokens.tokens.spam.clear()
    tokens.fail(ETHEREUM, status=200, text=text, times=None)
    with caplog.at_level(logging.WARNING):
        map_contracts(Listening())
    assert confidences() == {TRUE: 0.6, OTHER: 0.4, SPAM: 0.6}
    assert "alchemy is not asked about tokens of chain 1" in caplog.text


def test_an_address_that_is_refused_is_no_token(tokens: StandIn, pools: dict[str, Pool]) -> None:
    refusal = '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid 1st argument"}}'
    tokens.fail(ETHEREUM, status=200, text=refusal)
    map_contracts(Listening())
    assert not MappingEvidence.objects.filter(source="alchemy", mapping__address=TRUE).exists()
    assert MappingEvidence.objects.filter(source="alchemy", mapping__address=SPAM).exists()


def test_nothing_waits_for_a_service_whose_budget_is_spent(
    tokens: StandIn, pools: dict[str, Pool], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        map_contracts(Listening("alchemy"))
    assert confidences() == {TRUE: 0.6, OTHER: 0.4, SPAM: 0.4}
    assert "alchemy: its budget is spent" in caplog.text
    assert tokens.asked[ETHEREUM] == 0


@pytest.mark.parametrize("name", ["ALCHEMY_API_KEY", "MORALIS_API_KEY"])
def test_their_keys_are_masked(name: str) -> None:
    assert KEY not in Mask({name: KEY})(f"at https://eth-mainnet.g.alchemy.com/v2/{KEY}")
