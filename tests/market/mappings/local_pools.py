"""Pools of a local chain that is one of ours, to be mapped to its real contracts."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils.timezone import now

from indexer.chains.models import Chain
from indexer.embedded.chain import Anvil, Packages, World
from indexer.market.models import Pool
from tests.market.mappings.multicall import place_multicall
from tests.market.mappings.solidity import Deployer, compile_file

Make = Callable[..., Pool]


@pytest.fixture(params=["multicall", "single calls"])
def local(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    chains: list[Chain],
    anvil: Anvil,
    world: World,
    packages: Packages,
) -> World:
    """The world on the chain hilltop, with Multicall3 or without."""
    if request.param == "multicall":
        place_multicall(anvil.url, packages)
    monkeypatch.setenv("RPC_URLS_HILLTOP", anvil.url)
    return world


@pytest.fixture
def deployer(anvil: Anvil, packages: Packages) -> Deployer:
    """Of the contracts of Forms.sol."""
    return Deployer(anvil.url, compile_file("Forms.sol", packages))


def keyed(address: str) -> uuid.UUID:
    """The id of a pool whose key is the contract's address."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{address.lower()}-local")


@pytest.fixture
def make(chains: list[Chain]) -> Iterator[Make]:
    """Stores pools on hilltop."""

    def store(address: str, *tokens: str, **of: Any) -> Pool:
        given = {"url": f"https://dex.example/pools/{address}", "project": "some-dex", **of}
        return Pool.objects.create(
            id=given.pop("id", None) or uuid.uuid4(),
            chain_name="Local",
            chain_id=chains[0].chain_id,
            symbol="-",
            underlying_tokens=list(tokens),
            created_at=now(),
            **given,
        )

    Pool.objects.all().delete()
    yield store
    Pool.objects.all().delete()
