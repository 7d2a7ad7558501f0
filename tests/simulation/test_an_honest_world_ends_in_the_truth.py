"""Lives of seeds with one honest endpoint: chains that grow and reorganise, users, kills and cut connections."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from indexer.chains.connections import Connection
from indexer.chains.models import Chain as ChainRow
from indexer.positions.historic import HistoricLoop
from indexer.positions.latest import LatestLoop
from indexer.rpc import Endpoint, Node
from tests.conftest import empty
from tests.simulation.faults import Fault
from tests.simulation.kinds import BY_NAME
from tests.simulation.plan import Plan, Promise
from tests.simulation.profiles import Reach
from tests.simulation.world import SimulatedWorld, generate, serve

SEEDS = (0, 4, 10)
"""Final by tag and by depth, with state-sync logs, with headers of its own."""

Open = Callable[[Plan], SimulatedWorld]


@pytest.fixture
def open_world(chain: ChainRow, connection: Connection) -> Iterator[Open]:
    with ExitStack() as stack:

        def open_(plan: Plan) -> SimulatedWorld:
            empty(chain)
            generated = generate(plan)
            nodes = serve(plan, generated, stack)
            node = Node(Endpoint(nodes[0].url, nodes[0].label, timeout=5.0), attempts=2, pause=lambda seconds: None)
            world = SimulatedWorld(
                plan,
                generated,
                nodes,
                connection,
                lambda connection, clock: LatestLoop("hilltop", connection, node, generated.finality, clock=clock),
                lambda connection, clock, owner: HistoricLoop(
                    "hilltop", connection, node, owner, in_flight=1, clock=clock
                ),
            )
            stack.callback(world.close)
            return world

        yield open_


@pytest.mark.parametrize("seed", SEEDS)
def test_an_honest_world_ends_in_the_truth(open_world: Open, seed: int) -> None:
    world = open_world(Plan.of(seed).alone())
    world.live()
    world.settle()
    world.check_promises()
    world.index.check_truth()


def test_a_seed_gives_the_same_life_again(open_world: Open) -> None:
    lives = []
    for _ in range(2):
        world = open_world(Plan.of(4).alone())
        world.live()
        lives.append((world.requests, world.errors, world.births, world.chain.tip.hash))
        world.close()
    assert lives[0] == lives[1]


@pytest.mark.parametrize("fault", ["log-dropped", "forged-log"])
def test_a_world_that_believes_a_liar_is_found_out(open_world: Open, fault: str) -> None:
    """Where nobody can tell: nothing is promised but what an audit comes to, and without one the tables are wrong."""
    plan = next(plan for plan in map(Plan.of, range(20)) if plan.chain.reach is Reach.CLAIMED)
    world = open_world(plan.alone(Fault(BY_NAME[fault], 1.0)))
    world.live()
    with pytest.raises(AssertionError, match=r"is covered, .* is not|rows of no block"):
        world.index.check_claims(Promise.TRUE, Promise.TRUE)
    world.settle()
    with pytest.raises(AssertionError):
        world.index.check_truth()
