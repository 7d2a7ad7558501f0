"""What an endpoint bears survives a restart of the worker, and is forgotten when somebody says so."""

from __future__ import annotations

from random import Random

import pytest

from indexer.chains.connections import Connection, connect
from indexer.chains.learned import load_limits, save_limits
from indexer.chains.models import Chain, EndpointLimits
from indexer.rpc import Endpoint, EndpointPool, Limits, Node

NOW = 1_800_000_000.0


def pool_with(limits: dict[str, Limits]) -> EndpointPool:
    """A pool of endpoints that nobody asks."""
    nodes = [Node(Endpoint(f"http://127.0.0.1:1/secret-of-{label}", label)) for label in ("alchemy-1", "local-2")]
    return EndpointPool(nodes, limits=limits, random=Random(1), wall=lambda: NOW)


def learned() -> dict[str, Limits]:
    limits = Limits(rate=12.5, range_size={"by topic": 500, "by address": 2000})
    limits.shrink("blocks", 10_000, NOW)
    limits.switch_off("eth_getBlockReceipts", NOW)
    return {"alchemy-1": limits, "local-2": Limits(pruned_below=7)}


def test_it_comes_back_as_it_was(chain: Chain, connection: Connection) -> None:
    assert load_limits(connection, chain) == {}
    assert save_limits(connection, chain, pool_with(learned())) == []
    assert load_limits(connection, chain) == learned()
    assert pool_with(load_limits(connection, chain)).limits() == learned()


def test_each_chain_has_its_own(chains: list[Chain], connection: Connection) -> None:
    save_limits(connection, chains[0], pool_with(learned()))
    with connect(chains[1]) as other:
        assert load_limits(other, chains[1]) == {}
        save_limits(other, chains[1], pool_with({}))
    assert load_limits(connection, chains[0]) == learned()


def test_what_is_the_same_is_not_written_again(chain: Chain, connection: Connection) -> None:
    pool = pool_with(learned())
    save_limits(connection, chain, pool)
    before = dict(EndpointLimits.objects.values_list("label", "updated_at"))
    pool.members[1].limits.range_size["by topic"] = 9
    save_limits(connection, chain, pool)
    after = dict(EndpointLimits.objects.values_list("label", "updated_at"))
    assert after["alchemy-1"] == before["alchemy-1"]
    assert after["local-2"] > before["local-2"]


def test_what_is_to_be_forgotten_is_forgotten_by_the_pool_too(chain: Chain, connection: Connection) -> None:
    pool = pool_with(learned())
    save_limits(connection, chain, pool)
    EndpointLimits.objects.filter(label="alchemy-1").update(forget=True)
    assert set(load_limits(connection, chain)) == {"local-2"}
    assert save_limits(connection, chain, pool) == ["alchemy-1"]
    assert pool.limits() == {"alchemy-1": Limits(), "local-2": Limits(pruned_below=7)}
    assert pool.states()[0].rate > 12.5
    assert save_limits(connection, chain, pool) == [], "it is told once"
    assert load_limits(connection, chain)["alchemy-1"] == Limits()


def test_nothing_of_a_url_is_kept(chain: Chain, connection: Connection) -> None:
    save_limits(connection, chain, pool_with(learned()))
    assert "secret" not in str(list(EndpointLimits.objects.values()))


@pytest.mark.parametrize("stored", [[], "text", 7, {"blocks": "many"}])
def test_what_cannot_be_read_is_left_out(stored: object, chain: Chain, connection: Connection) -> None:
    EndpointLimits.objects.create(chain=chain, label="alchemy-1", limits=stored)
    assert load_limits(connection, chain).get("alchemy-1", Limits()) == Limits()
