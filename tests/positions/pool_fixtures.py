"""A contract that no test before has used, and the real node behind a proxy."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests import evm
from tests.positions.proxy import Proxy
from tests.positions.world import A, World, grow

NUMBERS = count(1)


def fill(world: World) -> None:
    """See to it that A, B and C log in the blocks that are read, whatever the tests before have mined."""
    if len(world.evm.touches(A, first=world.floor)) < 25:
        grow(world.evm, 31)
        world.begin()


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
