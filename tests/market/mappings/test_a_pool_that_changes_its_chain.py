"""What is known of the contracts of a pool is known on its chain: on another one there is nothing of it."""

from indexer.chains.models import Chain
from indexer.market.candidates import Home, Place
from indexer.market.linking import link_pools
from indexer.market.mappings import store
from indexer.market.models import ContractMapping, MappingEvidence, Pool
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.market.score import Evidence, EvidenceKind
from indexer.tasks.declaring import LooseRun
from tests.market.mappings.local_pools import Make

CONTRACT, TOKEN = "0x" + "ab" * 20, "0x" + "cd" * 20
IDENTITY = Evidence(EvidenceKind.IDENTITY, "chain", {"form": "pair"})


def confidences() -> dict[tuple[str, int | None, str], float]:
    rows = ContractMapping.objects.values_list("namespace", "chain_id", "address", "confidence")
    return {(namespace, chain_id, address): confidence for namespace, chain_id, address, confidence in rows}


def verify(pool: Pool, home: Home) -> None:
    store({pool.pk: {Place(*home, CONTRACT, "pool"): [IDENTITY]}}, [], {pool.pk: home})


def test_nothing_is_left_of_the_old_chain(make: Make) -> None:
    pool = make(CONTRACT, TOKEN)
    old = Home("eip155", pool.chain_id)
    verify(pool, old)
    assert confidences() == {(*old, CONTRACT): 1.0}
    # Nobody can be asked of the new one.
    Pool.objects.filter(pk=pool.pk).update(chain_name="Sky Net", chain_id=None)
    counts = map_contracts(LooseRun())
    assert confidences() == {(*old, CONTRACT): 0.0, ("sky-net", None, CONTRACT): 0.4, ("sky-net", None, TOKEN): 0.2}
    assert (counts.created, counts.vanished) == (2, 1)
    assert not MappingEvidence.objects.filter(mapping__namespace="eip155").exists()
    again = map_contracts(LooseRun())
    assert (again.unchanged, again.vanished) == (3, 0)


def test_nor_where_nothing_is_named_on_the_new_one(make: Make) -> None:
    pool = make("", url=None)
    old = Home("eip155", pool.chain_id)
    verify(pool, old)
    Pool.objects.filter(pk=pool.pk).update(chain_name="Tron", chain_id=728126428)
    map_contracts(LooseRun())
    assert confidences() == {(*old, CONTRACT): 0.0}


def test_a_pool_that_has_moved_shows_no_contract_of_its_old_chain(make: Make) -> None:
    moved, stays, renamed = (make(CONTRACT, TOKEN) for _ in range(3))
    old = Home("eip155", moved.chain_id)
    for pool in (moved, stays, renamed):
        verify(pool, old)
    Pool.objects.filter(pk=stays.pk).update(chain_name="Another name")
    Pool.objects.filter(pk=moved.pk).update(chain_name="Base", chain_id=8453)
    Pool.objects.filter(pk=renamed.pk).update(chain_name="Sky Net", chain_id=None)
    elsewhere = Home("sky-net", None)
    verify(renamed, elsewhere)
    for _ in range(2):
        link_pools()
        known = ContractMapping.objects.values_list("pool", "namespace", "confidence")
        assert sorted(known.filter(confidence__gt=0)) == sorted(
            [(stays.pk, "eip155", 1.0), (renamed.pk, "sky-net", 1.0)]
        )
    assert MappingEvidence.objects.count() == 2


def test_a_token_that_the_source_does_not_know_is_one_all_the_same(make: Make, chains: list[Chain]) -> None:
    pool = make("", TOKEN, url=None)
    Pool.objects.filter(pk=pool.pk).update(underlying_tokens=[TOKEN, None])
    map_contracts(LooseRun())
    assert confidences() == {("eip155", chains[0].chain_id, TOKEN): 0.2}
