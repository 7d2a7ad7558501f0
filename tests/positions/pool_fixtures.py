"""A contract that no test before has used, and the real node behind a proxy."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests import evm
from tests.positions.proxy import Proxy
from tests.positions.world import QUIET, A, B, C, World, grow

NUMBERS = count(1)


def fill(world: World) -> None:
    """See to it that A, B and C log in all of the blocks that are read but the quiet ones, whatever the tests before
    have mined."""
    if any(find_gaps(world, contract) for contract in (A, B, C)):
        grow(world.evm, 31)
        world.begin()


def find_gaps(world: World, contract: bytes) -> set[int]:
    """Blocks from the floor on that are not as `grow` makes them."""
    blocks = range(world.floor, world.evm.head() + 1)
    logging = {number for number, _ in world.evm.touches(contract, first=world.floor)}
    return {number for number in blocks if number % QUIET} - logging


@pytest.fixture
def pool(world: World) -> bytes:
    """A contract of the test's own, without a past."""
    contract = b"\xdd" * 16 + next(NUMBERS).to_bytes(4)
    world.evm.deploy(contract)
    return contract


@pytest.fixture
def proxy(anvil: evm.Chain, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The real node, and what a test makes of it; it is the endpoint that commands find configured."""
    proxy = Proxy(anvil.url)
    monkeypatch.setenv("RPC_URLS_HILLTOP", proxy.url)
    yield proxy
    proxy.stop()
