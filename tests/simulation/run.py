"""One seed from its beginning to its end, in an empty chain of a database that is there."""

import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from indexer.chains.connections import Connection
from indexer.chains.models import Chain as ChainRow
from tests.conftest import empty
from tests.simulation.clock import simulated_clock
from tests.simulation.faults import Fault
from tests.simulation.kinds import BY_NAME
from tests.simulation.plan import Plan
from tests.simulation.world import SimulatedWorld, generate, serve

MOST_TIMES = 4
"""So many times the least requests a life may take whose endpoints fail and lie, and whose processes die."""


@dataclass
class Outcome:
    """What became of a seed: `problem` says what did not hold, empty where all did; `requests` went over HTTP before
    anything was audited.

    `done` counts the faults that endpoints committed by kind, `errors` what the loops raised by class, `blamed` the
    answers proved wrong by endpoint.
    """

    plan: Plan
    requests: int = 0
    problem: str = ""
    done: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    blamed: Counter[str] = field(default_factory=Counter)


def plan_of(seed: int, only: str | None = None, *, late: bool = False, crowded: bool = False) -> Plan:
    """The plan of a seed, with `only` these faults instead of its own: names with + between them, each with its rate
    after an @ if that is not 1; for every endpoint, or with / between what each has ("log-dropped//reset@0.5").

    Raises LookupError for names that nobody knows.
    """
    plan = Plan.of(seed).crowded() if crowded else Plan.of(seed)
    if only is None:
        return plan
    parts = [faults_of(part) for part in only.split("/")]
    each = parts * len(plan.members) if len(parts) == 1 else parts
    return plan.only(*each[: len(plan.members)], late=late)


def faults_of(text: str) -> tuple[Fault, ...]:
    named = (part.partition("@") for part in text.split("+") if part)
    return tuple(Fault(BY_NAME[name], float(rate or 1)) for name, _, rate in named)


@contextmanager
def open_world(plan: Plan, chain: ChainRow, connection: Connection) -> Iterator[SimulatedWorld]:
    """The world of a plan at its beginning."""
    empty(chain)
    with ExitStack() as stack:
        stack.enter_context(simulated_clock(connection))
        generated = generate(plan)
        world = SimulatedWorld(plan, generated, serve(plan, generated, stack), connection)
        stack.callback(world.close)
        yield world


def live(plan: Plan, chain: ChainRow, connection: Connection) -> Outcome:
    """Let a plan happen, and see whether what is promised holds, all the time and in the end."""
    outcome = Outcome(plan)
    with open_world(plan, chain, connection) as world:
        try:
            world.live()
            world.settle()
            outcome.requests = world.requests
            world.check_end()
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            outcome.problem = f"{type(error).__name__} at {place.name}: {place.line}: {error}"
            outcome.requests = outcome.requests or world.requests
        outcome.done = sum((node.done for node in world.nodes), Counter())
        outcome.errors, outcome.blamed = world.errors, world.blamed
    return outcome


def count_least(plan: Plan, chain: ChainRow, connection: Connection) -> int:
    """The requests of the same life where nothing goes wrong but on the chain itself."""
    with open_world(plan.undisturbed(), chain, connection) as world:
        world.live()
        world.settle()
        return world.requests
