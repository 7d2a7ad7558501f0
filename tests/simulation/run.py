"""One seed from its beginning to its end, in an empty chain of a database that is there."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from indexer.chains.connections import Connection
from indexer.chains.models import Chain as ChainRow
from tests.conftest import empty
from tests.simulation.plan import Plan
from tests.simulation.world import SimulatedWorld, generate, serve


@dataclass(frozen=True)
class Outcome:
    """What became of a seed: `problem` says what did not hold, empty where all did; `requests` went over HTTP.

    `done` counts the faults that endpoints committed by kind, `errors` what the loops raised by class, `blamed` the
    answers proved wrong by endpoint.
    """

    plan: Plan
    requests: int
    problem: str
    done: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    blamed: Counter[str] = field(default_factory=Counter)


@contextmanager
def open_world(plan: Plan, chain: ChainRow, connection: Connection) -> Iterator[SimulatedWorld]:
    """The world of a plan at its beginning."""
    empty(chain)
    with ExitStack() as stack:
        generated = generate(plan)
        world = SimulatedWorld(plan, generated, serve(plan, generated, stack), connection)
        stack.callback(world.close)
        yield world


def live(plan: Plan, chain: ChainRow, connection: Connection) -> Outcome:
    """Let a plan happen, and see whether what is promised holds, all the time and in the end."""
    with open_world(plan, chain, connection) as world:
        problem = ""
        try:
            world.live()
            world.settle()
            world.check_end()
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        done = sum((node.done for node in world.nodes), Counter())
        return Outcome(plan, world.requests, problem, done, world.errors, world.blamed)
