"""One local chain with the contracts of seed 1 for all tests of the market: each leaves it as it found it."""

from collections.abc import Iterator

import pytest

from indexer.embedded.chain import Anvil, Packages, World
from indexer.embedded.chain.node import Node
from indexer.embedded.chain.world import deploy
from tests.embedded.chain_fixtures import CHAIN_ID


@pytest.fixture(scope="session")
def settled(
    packages: Packages, bytecode: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Anvil, World]]:
    """Started and settled once, since that takes seconds."""
    chain = Anvil(CHAIN_ID, tmp_path_factory.mktemp("market") / "chain", binary=packages.anvil).start()
    yield chain, deploy(chain.url, CHAIN_ID, 1, chain.directory, bytecode)
    chain.stop()


@pytest.fixture
def anvil(settled: tuple[Anvil, World]) -> Iterator[Anvil]:
    """What a test does to the chain is taken back when it is over."""
    chain, _ = settled
    before = Node(chain.url).call("evm_snapshot")
    yield chain
    assert Node(chain.url).call("evm_revert", before)


@pytest.fixture
def world(settled: tuple[Anvil, World], anvil: Anvil) -> World:
    return settled[1]
