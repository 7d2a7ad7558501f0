"""Seeded random orders of blocks, reorgs, users and both loops (two historic ones), on real anvil and PostgreSQL.

After every step no claim stands without its rows; when all has come to rest the tables are the chain's own truth. One
seed again: pytest -k 'truth and [7]'.
"""

from collections.abc import Callable
from contextlib import ExitStack
from random import Random

import pytest

from indexer.chains.connections import connect
from indexer.positions.historic import HistoricLoop
from indexer.positions.protocol.jobs import disable_jobs, enable_jobs, rescan_jobs
from tests.evm import TRANSFER
from tests.positions.world import A, B, C, World, grow

pytestmark = pytest.mark.slow

BY_SENDER = {"topic0": TRANSFER, "user_topic": 1}
SEEDS = range(16)
STEPS = 60


class Life:
    """What may happen next, and how often."""

    def __init__(self, world: World, random: Random, helpers: list[HistoricLoop]) -> None:
        self.world = world
        self.random = random
        self.helpers = helpers
        self.loop = world.latest()

    def happenings(self) -> dict[Callable[[], object], int]:
        return {
            self.loop.step: 40,
            self.read_past: 20,
            lambda: grow(self.world.evm, self.random.randrange(1, 3)): 12,
            self.reorganise: 6,
            self.import_some: 8,
            self.switch_some: 6,
            self.rescan_some: 3,
        }

    def read_past(self) -> None:
        self.random.choice(self.helpers).step()

    def reorganise(self) -> None:
        deep = self.random.random() < 0.3
        self.world.evm.reorg(self.random.randrange(7, 14) if deep else self.random.randrange(1, 6))

    def import_some(self) -> None:
        contracts = self.random.sample([A, B, C], self.random.randrange(1, 4))
        events: list[object] = ["Transfer", BY_SENDER]
        self.world.import_list({contract: self.random.choice(events) for contract in contracts})

    def switch_some(self) -> None:
        jobs = list(self.world.jobs().values())
        if jobs:
            self.random.choice([disable_jobs, enable_jobs])(self.world.connection, [self.random.choice(jobs)])

    def rescan_some(self) -> None:
        jobs = list(self.world.jobs().values())
        if jobs:
            first = self.world.floor + self.random.randrange(40)
            rescan_jobs(self.world.connection, [self.random.choice(jobs)], first)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_of_events_ends_in_the_truth(world: World, seed: int) -> None:
    random = Random(seed)
    with ExitStack() as stack:
        helpers = [
            stack.enter_context(world.historic(stack.enter_context(connect(world.chain)), owner=f"helper-{number}"))
            for number in range(2)
        ]
        life = Life(world, random, helpers)
        life.loop.step()
        for _ in range(STEPS):
            happenings = life.happenings()
            random.choices(list(happenings), list(happenings.values()))[0]()
            world.check_claims()
    world.settle()
    world.check_claims()
    world.check_truth()
    enable_jobs(world.connection, list(world.jobs().values()))
    world.settle()
    world.check_truth()
