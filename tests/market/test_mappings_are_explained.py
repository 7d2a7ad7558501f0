"""`manage.py explain_mapping`: which pools it takes an address for, and what it says where there are none or many."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from indexer.market.management.commands.explain_mapping import SHOWN
from indexer.market.models import MappingEvidence
from tests.market.listed import SHARED, TOKEN, VAULT, make_mapping, make_pool, market, pool_id
from tests.positions.lookup_rows import statements

__all__ = ["market"]

pytestmark = pytest.mark.usefixtures("market")
COIN = "0x1::aptos_coin::AptosCoin"


def explain(capsys: pytest.CaptureFixture[str], asked: str) -> list[str]:
    call_command("explain_mapping", asked)
    return capsys.readouterr().out.splitlines()


def test_an_address_is_read_in_any_case_where_its_chain_takes_it_so(capsys: pytest.CaptureFixture[str]) -> None:
    by_id = explain(capsys, str(pool_id(1)))
    assert explain(capsys, f" {VAULT.upper()} ") == by_id
    make_mapping(4, COIN, "url", namespace="aptos", chain_id=None, confidence=0.4)
    assert explain(capsys, COIN)[0].startswith(f"{pool_id(4)}: unheard-of DAI")
    with pytest.raises(CommandError, match="no pool is known to have a contract at it"):
        call_command("explain_mapping", COIN.lower())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "nothing is asked for: give a pool's id"),
        ("  ", "nothing is asked for: give a pool's id"),
        (VAULT[2:], f"an address of an EVM chain begins with 0x: {VAULT}"),
        # Of pools that hold it there is nothing to explain, and there may be thousands.
        (TOKEN, rf"{TOKEN.lower()} is a token that pools hold \(1 of them\), and the contract of none"),
        (str(pool_id(9)), "sync-pools takes pools in"),
        ("lido", "lido is no pool's id"),
    ],
)
def test_what_is_no_pool_is_told_what_it_is(asked: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("explain_mapping", asked)


def test_what_is_yes_no_or_none_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    detail = {"receipt": True, "standing": False, "named_by": None, "count": 1}
    MappingEvidence.objects.filter(mapping__pool=pool_id(1), kind="identity").update(detail=detail)
    lines = [line.strip() for line in explain(capsys, str(pool_id(1)))]
    assert {"receipt: yes", "standing: no", "named_by: none", "count: 1"} <= set(lines)


def test_a_contract_of_many_pools_shows_the_surest_at_the_cost_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    with statements() as few:
        explain(capsys, SHARED)
    for number in range(20, 20 + SHOWN):
        make_pool(number)
        make_mapping(number, SHARED, "identity")
    with statements() as many:
        lines = explain(capsys, SHARED)
    assert len(many) == len(few) <= 4
    # Both that had it before are less sure, and one is refuted.
    assert [line for line in lines if not line.startswith(" ")] == [
        *(f"{pool_id(number)}: vaults USDC on Hilltop" for number in range(20, 20 + SHOWN)),
        f"and 2 more pools: /api/v1/market/mappings?address={SHARED} has all",
    ]
