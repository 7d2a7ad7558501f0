"""Lives with three endpoints that misbehave: nothing false is said at any moment, and all of it is true in the end.

`manage.py simulate` runs more of them. A seed that fails there belongs here once it passes.
"""

import pytest

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from tests.simulation.kinds import KINDS
from tests.simulation.plan import Plan
from tests.simulation.profiles import CHAIN_KINDS
from tests.simulation.run import MOST_TIMES, count_least, live

SEEDS = range(32)


def test_these_seeds_hold_every_chain_and_every_fault() -> None:
    plans = [Plan.of(seed) for seed in SEEDS]
    assert {plan.chain.name for plan in plans} == {chain.name for chain in CHAIN_KINDS}
    assert {fault.kind for plan in plans for member in plan.members for fault in member.faults} == set(KINDS)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_ends_in_the_truth(chain: Chain, connection: Connection, seed: int) -> None:
    plan = Plan.of(seed)
    outcome = live(plan, chain, connection)
    assert not outcome.problem, f"manage.py simulate --seed {seed} -v 2\n{plan}\n{outcome.problem}"
    least = count_least(plan, chain, connection)
    assert outcome.requests <= MOST_TIMES * least, f"{outcome.requests} requests, at the least {least}"
