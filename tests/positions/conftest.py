"""One real anvil for the tests of the loops; every test gets it back as it was."""

from collections.abc import Iterator

import pytest

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.embedded.chain.anvil import Anvil
from tests import evm
from tests.positions.world import A, B, C, World, grow


@pytest.fixture(scope="session")
def anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[evm.Chain]:
    """A chain that only grows; the contracts A, B and C log in nearly every block."""
    # Reorgs need the states of all blocks they take back, orphaned ones counted in.
    anvil = Anvil(31337, tmp_path_factory.mktemp("anvil"), history=5_000).start()
    try:
        chain = evm.Chain(anvil)
        chain.deploy(A, B, C)
        grow(chain, 35)
        yield chain
    finally:
        anvil.stop()


@pytest.fixture
def world(chain: Chain, connection: Connection, anvil: evm.Chain) -> World:
    """An empty schema beside the chain as the tests before have left it; the newest 30 blocks are read."""
    world = World(chain, anvil, connection)
    world.liven()
    world.begin()
    return world
