"""A market without anything in it, a stand-in whose pools are partly contracts of a local chain, and an empty line."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from indexer.chains.connections import open_beside
from indexer.chains.models import Chain
from indexer.embedded.chain import Anvil, Packages, World
from tests.embedded.chain_fixtures import bytecode as bytecode
from tests.embedded.chain_fixtures import packages as packages
from tests.market.engine.team import Team
from tests.market.local_chain import anvil as anvil
from tests.market.local_chain import settled as settled
from tests.market.local_chain import world as world
from tests.market.mappings.multicall import place_multicall
from tests.market.syncs.conftest import market as market
from tests.standin.defillama import DefiLlama
from tests.standin.server import StandIn
from tests.tasks.conftest import empty


@pytest.fixture
def standin(chain: Chain, world: World, anvil: Anvil, packages: Packages) -> StandIn:
    """1,000 pools, the pairs of the local chain among them; charts end today, for old days are let go."""
    place_multicall(anvil.url, packages)
    contracts = tuple(
        {
            "chain": "Local",
            "chain_id": chain.chain_id,
            "address": address,
            "symbol": name.replace("/", "-"),
            "underlying": [world.tokens[symbol] for symbol in name.split("/")],
        }
        for name, address in world.pairs.items()
    )
    return StandIn(DefiLlama("small", contracts=contracts))


@pytest.fixture
def team(market: str, anvil: Anvil, chain: Chain, tmp_path: Path) -> Iterator[Team]:
    """Workers to be, who know the stand-in and the chain; nothing is in their line, and no schedule is known."""
    urls = ("DEFILLAMA_URL", "DEFILLAMA_YIELDS_URL", "DEFILLAMA_PRO_URL")
    environ = {
        **dict.fromkeys(urls, market),
        "DEFILLAMA_API_KEY": "a-key-of-42-letters",
        "API_RATE_LIMIT_MS": "2",
        f"RPC_URLS_{chain.slug.upper()}": anvil.url,
        "EXTRA_APPS": os.environ.get("EXTRA_APPS", ""),
    }
    with closing(open_beside(application_name="footprint test")) as connection:
        empty(connection)
        with Team(tmp_path, environ, connection) as found:
            yield found
        empty(connection)
