"""Pools are mapped against real contracts of a local chain: true ones are verified, false ones score low."""

from typing import Any

import pytest
from django.db import connection

from indexer.embedded.chain import World
from indexer.embedded.chain.node import Node as LocalNode
from indexer.market.candidates import find_candidates
from indexer.market.contracts import Chains, read_pools
from indexer.market.models import ContractMapping, MappingEvidence, Pool, WatchProposal
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.tasks.declaring import Counts, LooseRun
from tests.market.mappings.local_pools import Make

NOBODY = "0x" + "12" * 20


def mapping_of(pool: Pool, address: str) -> ContractMapping:
    return ContractMapping.objects.get(pool=pool, address=address.lower())


def versions() -> list[tuple[Any, ...]]:
    with connection.cursor() as cur:
        cur.execute(
            "SELECT 'm', id, xmin::text FROM contract_mappings UNION ALL SELECT 'e', id, xmin::text"
            " FROM mapping_evidence UNION ALL SELECT 'p', id, xmin::text FROM watch_proposals ORDER BY 1, 2"
        )
        return list(cur.fetchall())


def test_true_contracts_are_verified_and_false_ones_score_low(local: World, make: Make) -> None:
    name, pair = next(iter(local.pairs.items()))
    tokens = [local.tokens[symbol] for symbol in name.split("/")]
    other = local.pairs[list(local.pairs)[1]]
    weth, usdc = local.tokens["WETH"], local.tokens["USDC"]
    # pool → the contract in its URL, and how sure that must be
    expected = {
        make(pair, *tokens): (pair, 1.0, False),
        make(local.vault, weth): (local.vault, 1.0, False),
        # another pair of the same factory
        make(other, *tokens): (other, 0.2, True),
        # a vault of another token
        make(local.vault, usdc): (local.vault, 0.2, True),
        # nobody has deployed anything there
        make(NOBODY, *tokens): (NOBODY, 0.2, True),
        # contracts that hold such tokens and say nothing of it
        make(local.router, *tokens): (local.router, 0.4, False),
        make(local.market, usdc): (local.market, 0.4, False),
        # nobody says which tokens the pool holds
        make(pair): (pair, 0.4, False),
    }
    run = LooseRun()
    counts = map_contracts(run)
    for pool, (address, confidence, refuted) in expected.items():
        found = mapping_of(pool, address)
        assert (found.kind, found.confidence, found.refuted) == ("pool", confidence, refuted), address
        for token in pool.underlying_tokens or ():
            held = mapping_of(pool, token)
            assert (held.kind, held.confidence) == ("token", 0.2)
    assert counts == Counts(created=ContractMapping.objects.count())
    assert (run.done, run.total) == (len(expected), len(expected))
    proof = MappingEvidence.objects.get(mapping=mapping_of(next(iter(expected)), pair), kind="identity")
    assert proof.block is not None
    assert proof.detail["form"] == "pair"
    assert proof.detail["answers"]["factory()"] == local.factory.lower()
    assert {row.mapping.address for row in WatchProposal.objects.all()} == {pair.lower(), local.vault.lower()}


def test_every_batch_is_asked_at_the_block_that_is_the_newest_then(local: World, make: Make) -> None:
    name, pair = next(iter(local.pairs.items()))
    make(pair, *(local.tokens[symbol] for symbol in name.split("/")))
    pools, run = read_pools(None, 10, "", None), LooseRun()
    chains, blocks = Chains(run), []
    for _ in range(2):
        (evidence,) = chains.check(pools, {each.id: find_candidates(each) for each in pools}).evidence.values()
        blocks.append(evidence.block)
        LocalNode(local.url).call("anvil_mine", hex(200))
    # Most nodes have forgotten the state of the first by then.
    assert blocks[1] == (blocks[0] or 0) + 200


def test_what_says_the_same_is_not_written_again_and_what_changes_is(local: World, make: Make) -> None:
    name, pair = next(iter(local.pairs.items()))
    tokens = [local.tokens[symbol] for symbol in name.split("/")]
    pool, other = make(pair, *tokens), make(local.vault, local.tokens["WETH"])
    map_contracts(LooseRun())
    before = versions()
    again = map_contracts(LooseRun())
    assert versions() == before
    assert again == Counts(unchanged=ContractMapping.objects.count())
    Pool.objects.filter(pk=pool.pk).update(url="https://dex.example/")
    gone = map_contracts(LooseRun())
    assert (gone.vanished, gone.changed, gone.created) == (1, 0, 0)
    assert mapping_of(pool, pair).confidence == 0
    assert mapping_of(other, local.vault).confidence == 1


def test_a_chain_that_cannot_be_asked_takes_nothing_back(
    local: World, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, pair = next(iter(local.pairs.items()))
    pool = make(pair, *(local.tokens[symbol] for symbol in name.split("/")))
    map_contracts(LooseRun())
    before = versions()
    monkeypatch.delenv("RPC_URLS_HILLTOP")
    map_contracts(LooseRun())
    assert versions() == before
    assert mapping_of(pool, pair).confidence == 1
