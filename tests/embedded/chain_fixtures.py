"""Real local chains for tests. The packages and the compiled contracts are kept in the state folder between runs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexer.embedded.chain.anvil import Anvil
from indexer.embedded.chain.compile import compile_contracts
from indexer.embedded.chain.packages import Packages, install
from indexer.embedded.chain.world import World, deploy

CHAIN_ID = 31337


@pytest.fixture(scope="session")
def packages() -> Packages:
    return install()


@pytest.fixture(scope="session")
def bytecode(packages: Packages) -> dict[str, str]:
    return compile_contracts(packages)


@pytest.fixture
def start_chain(packages: Packages, tmp_path: Path) -> Iterator[Callable[[str], Anvil]]:
    """Starts new chains by name, and stops them when the test is over."""
    chains: list[Anvil] = []

    def start(name: str) -> Anvil:
        chains.append(Anvil(CHAIN_ID, tmp_path / name, binary=packages.anvil))
        return chains[-1].start()

    yield start
    for chain in chains:
        chain.stop()


@pytest.fixture
def anvil(start_chain: Callable[[str], Anvil]) -> Anvil:
    """A new chain, started."""
    return start_chain("chain")


@pytest.fixture
def world(anvil: Anvil, bytecode: dict[str, str]) -> World:
    """The contracts of seed 1 on that chain."""
    return deploy(anvil.url, CHAIN_ID, 1, anvil.directory, bytecode)
