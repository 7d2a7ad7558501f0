"""Whatever pools are of a contract: it is proposed once for a chain, and what is decided is decided for all of them."""

import pytest
from django.db import transaction
from django.utils.timezone import now

from indexer.chains.models import Chain
from indexer.market.candidates import Home, Place
from indexer.market.mappings import store
from indexer.market.models import ContractMapping, Pool, WatchProposal
from indexer.market.proposals import ACCEPT, ProposalError, accept, accept_all, dismiss, entry, propose
from indexer.market.score import Evidence, EvidenceKind
from indexer.tasks.declaring import LooseRun
from indexer.workers.live_changes import set_value
from tests.market.mappings.local_pools import Make

CONTRACT = "0x" + "ab" * 20
KEY = Evidence(EvidenceKind.KEY, "pool id")


def list_pool(make: Make, address: str = CONTRACT, **of: str) -> Pool:
    """A pool that is sure to be of the contract."""
    pool = make("", url=None, **of)
    home = Home("eip155", pool.chain_id)
    with transaction.atomic():
        store({pool.pk: {Place(*home, address, "pool"): [KEY]}}, [], {pool.pk: home})
    return pool


def proposed() -> list[tuple[Pool, str]]:
    found = WatchProposal.objects.select_related("mapping__pool").order_by("id")
    return [(proposal.mapping.pool, proposal.state) for proposal in found]


def test_two_pools_of_a_contract_are_one_proposal(make: Make) -> None:
    first, _ = list_pool(make), list_pool(make)
    other = list_pool(make, "0x" + "cd" * 20)
    assert propose() == 2
    assert sorted(proposed(), key=repr) == sorted([(first, "proposed"), (other, "proposed")], key=repr)
    assert propose() == 0


@pytest.mark.parametrize("decide", [accept, dismiss])
def test_what_is_decided_is_not_proposed_again_under_another_id(make: Make, decide: type) -> None:
    list_pool(make)
    propose()
    decide(WatchProposal.objects.get().pk, "ada")
    list_pool(make)
    assert propose() == 0
    assert WatchProposal.objects.count() == 1


def test_another_pool_takes_the_place_of_one_that_is_listed_no_more(make: Make) -> None:
    gone = list_pool(make)
    propose()
    Pool.objects.filter(pk=gone.pk).update(vanished_at=now())
    assert propose() == 0
    assert proposed() == [(gone, "proposed")]
    relisted = list_pool(make, project="another-dex")
    assert propose() == 1
    assert proposed() == [(relisted, "proposed")]
    assert WatchProposal.objects.get().entry["protocol"] == "another-dex"


def test_of_old_proposals_of_a_contract_those_that_are_decided_stay(make: Make, chains: list[Chain]) -> None:
    first, second = list_pool(make), list_pool(make)
    for mapping in ContractMapping.objects.order_by("id"):
        WatchProposal.objects.create(mapping=mapping, chain=chains[0], entry=entry("some-dex", CONTRACT))
    accept(WatchProposal.objects.get(mapping__pool=second).pk, "ada")
    assert proposed() == [(first, "proposed"), (second, "accepted")]
    assert propose() == 0
    assert proposed() == [(second, "accepted")]


def test_a_pool_that_is_listed_no_more_is_not_watched(make: Make) -> None:
    pool = list_pool(make)
    propose()
    Pool.objects.filter(pk=pool.pk).update(vanished_at=now())
    set_value(ACCEPT.name, True, actor="ada")
    assert accept_all(LooseRun()) == 0
    with pytest.raises(
        ProposalError, match=f"its pool has not been listed since {now():%Y-%m-%d}: dismiss it, or wait"
    ):
        accept(WatchProposal.objects.get().pk, "ada")
    assert proposed() == [(pool, "proposed")]
    Pool.objects.filter(pk=pool.pk).update(vanished_at=None)
    assert accept_all(LooseRun()) == 1
