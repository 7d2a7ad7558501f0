from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from random import Random
from typing import Any

import pytest

from tests.simulation.chain import Chain
from tests.simulation.endpoint import SimulatedNode
from tests.simulation.faults import Fault
from tests.simulation.kinds import BY_NAME

Serve = Callable[..., SimulatedNode]


def generate(seed: int) -> Chain:
    """Blocks 0 to 40; of 35 to 38 there are others as well, on a branch that was left."""
    chain = Chain(Random(seed))
    chain.grow(38)
    chain.reorganise(4, 6)
    return chain


@cache
def suitable_seed() -> int:
    """Of a chain with one very large block among final ones, and logs in the newest blocks and on the left branch."""
    for seed in range(1000):
        chain = generate(seed)
        large = [block.number for block in chain.blocks() if len(block.logs) > 100]
        siblings = chain.siblings(chain.canonical[36])
        if len(large) == 1 and 20 < large[0] < 30 and siblings[0].logs and len(chain.tip.logs) > 2:
            return seed
    raise AssertionError("no seed gives such a chain")


@pytest.fixture
def generated() -> Chain:
    return generate(suitable_seed())


@pytest.fixture
def serve(generated: Chain) -> Iterator[Serve]:
    """Starts a node of the generated chain with faults by name, which strike always or at the rate given."""
    with ExitStack() as stack:

        def start(*faults: str, rate: float = 1.0, **options: Any) -> SimulatedNode:
            made = [Fault(BY_NAME[name], rate) for name in faults]
            return stack.enter_context(SimulatedNode(options.pop("chain", generated), "sim-1", faults=made, **options))

        yield start
