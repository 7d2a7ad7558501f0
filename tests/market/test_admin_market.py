"""The market's pages: who sees them, what they show, and what they cost."""

import re

import pytest
from django.test import Client

from indexer.market.models import ContractMapping, Document, MappingEvidence, Pool, RejectedRow, WatchProposal
from tests.market.listed import PROPOSAL, SHARED, SOLANA, VAULT, make_mapping, make_pool, market, pool_id
from tests.people import LogIn
from tests.positions.lookup_rows import statements

__all__ = ["market"]

pytestmark = pytest.mark.usefixtures("market")
BASE = "/admin/market/"
MODELS = ("pool", "protocol", "contractmapping", "watchproposal", "rejectedrow", "document")
MOST = 20
"""Statements that a page of the admin may cost, those of its filters counted in."""


def said(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, response.content
    return re.sub(r"\s+", " ", response.content.decode())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("role", ["viewer", "operator", "administrator"])
def test_every_role_sees_the_lists_and_nobody_edits(log_in: LogIn, model: str, role: str) -> None:
    client = log_in(role)
    assert said(client, f"{BASE}{model}/")
    assert client.get(f"{BASE}{model}/add/").status_code == 403


def test_an_empty_list_says_whether_a_filter_makes_it_so(log_in: LogIn) -> None:
    client = log_in("viewer")
    asked = said(client, f"{BASE}watchproposal/?state=dismissed")
    assert "Nothing here fits what is asked for." in asked
    assert "Reset filters" in asked
    WatchProposal.objects.all().delete()
    empty = said(client, f"{BASE}watchproposal/")
    assert "There is nothing here yet." in empty
    assert "Reset filters" not in empty
    assert "Create a new item" not in empty


def test_nobody_without_a_role_sees_them(log_in: LogIn) -> None:
    assert log_in("nobody").get(f"{BASE}pool/").status_code == 403


def test_the_sidebar_leads_there(log_in: LogIn) -> None:
    home = said(log_in("viewer"), "/admin/")
    assert all(f'href="{BASE}{model}/"' in home for model in MODELS)


def test_pools_show_dashes_for_what_is_not_known_and_how_sure_their_contracts_are(log_in: LogIn) -> None:
    text = said(log_in("viewer"), f"{BASE}pool/")
    assert "$3,000,000" in text
    assert "123,456.75 %" in text
    assert text.index("123,456.75 %") < text.index("$2,000,000")
    for badge in ("1.0 verified", "0.8 several sources", "0.4 heuristic", ">none<"):
        assert badge in text, badge


@pytest.mark.parametrize(
    ("query", "found", "missing"),
    [
        ("q=sons", "$2,000,000", "123,456"),
        (f"q={pool_id(2)}", "123,456", "$2,000,000"),
        ("contract=unsure", "123,456", "$2,000,000"),
        ("contract=none", "DAI", "123,456"),
        ("contract=sure", VAULT, SHARED),
        ("listed=no", "$9,000,000,000", "$2,000,000"),
        ("stablecoin=yes", VAULT, "123,456"),
        ("chain=Solana", SOLANA, VAULT),
        ("contract=nonsense&stablecoin=7&listed=x", "123,456", "nothing at all"),
    ],
)
def test_pools_are_found_and_filtered(log_in: LogIn, query: str, found: str, missing: str) -> None:
    text = said(log_in("viewer"), f"{BASE}pool/?{query}")
    assert found in text
    assert missing not in text


def test_a_contract_for_which_nothing_speaks_any_more_is_not_that_of_the_pool(log_in: LogIn) -> None:
    ContractMapping.objects.filter(address=SOLANA).update(confidence=0)
    client = log_in("viewer")
    assert SOLANA not in said(client, f"{BASE}pool/")
    pool = f"{BASE}pool/{pool_id(3)}/change/"
    assert pool in said(client, f"{BASE}pool/?contract=none")
    assert pool not in said(client, f"{BASE}pool/?contract=unsure")


def test_no_cross_stands_beside_a_pool_without_stablecoins(log_in: LogIn) -> None:
    Pool.objects.filter(pk=pool_id(2)).update(stablecoin=False)
    text = said(log_in("viewer"), f"{BASE}pool/")
    assert [text.count(f'data-label="stable">{words}<') for words in ("yes", "no", "–")] == [1, 1, 3]


def test_evidence_is_shown_part_by_part(log_in: LogIn) -> None:
    tokens = ["0x" + f"{number:040x}" for number in range(8)]
    MappingEvidence.objects.filter(kind="identity").update(detail={"answers": {"token0()": VAULT}, "tokens": tokens})
    text = log_in("viewer").get(f"{BASE}pool/{pool_id(1)}/change/").content.decode()
    assert f"tokens: {', '.join(tokens)}\nanswers:\n  token0(): {VAULT}</div>" in text


def test_a_pool_shows_every_contract_with_its_evidence(log_in: LogIn) -> None:
    text = said(log_in("viewer"), f"{BASE}pool/{pool_id(1)}/change/")
    for part in (
        VAULT,
        SHARED,
        "refuted",
        "identity",
        "the source names it",
        "<dt>mean APY of 30 days</dt><dd>–</dd>",
        '<div class="fp-mono fp-muted fp-lines">call: asset()</div>',
    ):
        assert part in text, part
    assert "No contract of it is known." in said(log_in("operator"), f"{BASE}pool/{pool_id(4)}/change/")


def test_contracts_are_found_in_any_case(log_in: LogIn) -> None:
    client = log_in("viewer")
    text = said(client, f"{BASE}contractmapping/?q={VAULT.upper().replace('X', 'x')}")
    assert VAULT in text
    assert SHARED not in text
    assert SHARED in said(client, f"{BASE}contractmapping/?q={pool_id(2)}")
    assert VAULT not in said(client, f"{BASE}contractmapping/?confidence=0.4")
    assert VAULT in said(client, f"{BASE}contractmapping/?confidence=nonsense")
    mapping = ContractMapping.objects.get(address=VAULT)
    assert "the source names it" in said(client, f"{BASE}contractmapping/{mapping.pk}/change/")
    # Other chains tell capitals from small letters.
    make_mapping(3, "0x1::aptos_coin::AptosCoin", namespace="aptos", chain_id=None, kind="token", confidence=0.2)
    assert "aptos</div>" in said(client, f"{BASE}contractmapping/?q=0x1::aptos_coin::AptosCoin")


def test_a_protocol_is_found_by_a_slug_that_it_had(log_in: LogIn) -> None:
    client = log_in("viewer")
    text = said(client, f"{BASE}protocol/?q=dex")
    assert "dex-v2" in text
    assert "Sons" not in text
    assert "dex, 2024-01-01 to 2026-11-20" in said(client, f"{BASE}protocol/2/change/")


def test_a_proposal_shows_its_job_and_its_evidence(log_in: LogIn) -> None:
    proposal = WatchProposal.objects.get()
    text = said(log_in("viewer"), f"{BASE}watchproposal/{proposal.pk}/change/")
    assert all(part in text for part in (VAULT, "&quot;Transfer&quot;", "the source names it", ">proposed</span>"))
    assert f'href="{BASE}pool/{pool_id(1)}/change/">vaults USDC on Hilltop</a>' in text


def test_whoever_decides_sees_the_pool_and_the_evidence(log_in: LogIn) -> None:
    text = said(log_in("operator"), f"{BASE}watchproposal/{PROPOSAL}/decide/accept/")
    assert f'href="{BASE}pool/{pool_id(1)}/change/">vaults USDC on Hilltop</a>' in text
    assert all(part in text for part in ("1.0 verified", "would be watched on hilltop", "the source names it"))


def test_rejected_rows_and_documents_say_what_came(log_in: LogIn) -> None:
    client = log_in("viewer")
    assert "expected a number" in said(client, f"{BASE}rejectedrow/?reason=shape")
    assert "expected a number" not in said(client, f"{BASE}rejectedrow/?reason=spike&task=sync-pools")
    row = RejectedRow.objects.get(key="y")
    assert "{&quot;tvlUsd&quot;:9}" in said(client, f"{BASE}rejectedrow/{row.pk}/change/")
    assert "defillama:/pools" in said(client, f"{BASE}document/")
    Document.objects.update(rows=50_000)
    assert "50,000" in said(client, f"{BASE}document/")
    assert client.get(f"{BASE}document/defillama_3A_2Fpools/change/").status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_a_page_costs_the_same_for_any_number_of_rows(log_in: LogIn, model: str) -> None:
    client = log_in("viewer")

    def cost() -> int:
        with statements() as sent:
            said(client, f"{BASE}{model}/")
        # Whether a connection has to be set to its schema depends on what was asked before.
        return sum(not statement.startswith("SET search_path") for statement in sent)

    # The first page of a process reads more, and keeps it.
    cost()
    few = cost()
    for number in range(20, 50):
        make_pool(number, tvl=number)
        make_mapping(number, VAULT, "identity")
    assert cost() == few <= MOST
