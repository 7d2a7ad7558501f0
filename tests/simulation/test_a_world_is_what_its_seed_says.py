"""A world with all its loops and endpoints repeats itself, and what must not be believed is found out."""

import pytest

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from tests.simulation.clock import EPOCH
from tests.simulation.faults import Fault
from tests.simulation.kinds import BY_NAME
from tests.simulation.plan import Plan, Promise
from tests.simulation.profiles import Reach
from tests.simulation.run import open_world


def test_a_seed_gives_the_same_life_again(chain: Chain, connection: Connection) -> None:
    lives = []
    for _ in range(2):
        with open_world(Plan.of(9), chain, connection) as world:
            world.live()
            done = [node.done for node in world.nodes]
            lives.append((world.requests, done, world.errors, world.blamed, world.births, world.chain.tip.hash))
    assert lives[0] == lives[1]
    assert sum(lives[0][1][0].values()) > 0


def test_the_database_has_the_time_of_the_world(chain: Chain, connection: Connection) -> None:
    """A delay that really passed, on a busy machine, let a segment be claimed some steps earlier: another life."""
    with open_world(Plan.of(9), chain, connection) as world:
        for place, each in enumerate(world.connections):
            begun = world.now + 1.0
            world.step(place)
            assert each.execute("SELECT now() = to_timestamp(%s)", [EPOCH + begun]).fetchone() == (True,)


@pytest.mark.parametrize("fault", ["log-dropped", "forged-log"])
def test_a_world_that_believes_a_liar_is_found_out(chain: Chain, connection: Connection, fault: str) -> None:
    """Where nobody can tell: nothing is promised but what an audit comes to, and without one the tables are wrong."""
    plan = next(plan for plan in map(Plan.of, range(20)) if plan.chain.reach is Reach.CLAIMED)
    with open_world(plan.alone(Fault(BY_NAME[fault], 1.0)), chain, connection) as world:
        world.live()
        with pytest.raises(AssertionError, match=r"is covered, .* is not|rows of no block"):
            world.index.check_claims(Promise.TRUE, Promise.TRUE)
        world.settle()
        with pytest.raises(AssertionError):
            world.index.check_truth()
