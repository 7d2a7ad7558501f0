"""A chain of a plan, its endpoints, its index in a real database, and everything that happens to them."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from random import Random

import psycopg

from indexer.chains.connections import Connection
from indexer.positions.audit import Auditor
from indexer.positions.historic import HistoricLoop
from indexer.positions.latest import LatestLoop
from indexer.positions.protocol.audits import choose_readings
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.protocol.jobs import disable_jobs, enable_jobs, rescan_jobs
from indexer.positions.protocol.segments import release_segments
from indexer.positions.verdict import Finding
from indexer.positions.watchlist import read_watch_list
from indexer.rpc import EndpointPool, RpcError
from tests.simulation.chain import Chain
from tests.simulation.clock import turn_clock
from tests.simulation.endpoint import SimulatedNode
from tests.simulation.index import Index
from tests.simulation.life import Happening
from tests.simulation.mortal import Killed, MortalConnection, cut, open_mortal
from tests.simulation.plan import Plan, Promise
from tests.simulation.truth import watch_list
from tests.simulation.wiring import CHAIN_ID, Wiring

MOST_STEPS = 1000
"""Steps of both loops within which everything must have come to rest."""
MOST_AUDITS = 4
LATEST, TWIN, HELPERS = 0, 1, (2, 3)
"""The places of the loops. The twin is a second latest loop, as when a worker that had stopped and lost its lock wakes:
what it remembers is old."""

WORTH_A_LOOK = frozenset({"turn", "import_list", "reorganise"})
"""Happenings after which the levels are looked at: all blocks that were read are formed anew for that."""
LONGEST_TERM = 8 * 24 * 3600.0
"""Seconds after which whatever was learned of endpoints that have become honest is forgotten."""

# Time passes: what waits for a delay or for a lease may go on.
HURRY = (
    "UPDATE segments SET next_attempt = NULL WHERE next_attempt IS NOT NULL",
    "UPDATE segments SET lease_until = now() - interval '1 s' WHERE owner IS NOT NULL AND NOT owner = ANY(%s)",
    "UPDATE jobs SET next_attempt = NULL WHERE next_attempt IS NOT NULL",
)


def generate(plan: Plan) -> Chain:
    """The plan's chain as it is before the index begins."""
    chain = Chain(Random(f"chain {plan.seed}"), plan.chain.oddities, plan.chain.finality)
    chain.grow(plan.history)
    return chain


def serve(plan: Plan, chain: Chain, stack: ExitStack) -> list[SimulatedNode]:
    """The plan's endpoints in their first era; they end with the stack."""
    other = None
    if any(fault.kind.name == "wrong-chain" for member in plan.members for fault in member.faults):
        other = Chain(Random(f"other {plan.seed}"), plan.chain.oddities, plan.chain.finality)
        other.grow(plan.history + 40)
    return [
        stack.enter_context(
            SimulatedNode(
                chain,
                member.label,
                seed=plan.seed,
                lag=member.lag,
                keeps_orphans=member.keeps_orphans,
                faults=member.eras[0],
                other=other,
            )
        )
        for member in plan.members
    ]


class SimulatedWorld:
    """`connection` is the tests' own and never dies; the loops have others. `now` is the loops' clock, in seconds;
    the database's follows at every step, and stands still within it.

    `errors` counts what the loops have raised, by class; `blamed` the answers that were proved wrong, by endpoint.
    """

    def __init__(
        self,
        plan: Plan,
        chain: Chain,
        nodes: Sequence[SimulatedNode],
        connection: Connection,
    ) -> None:
        self.plan = plan
        self.chain = chain
        self.nodes = nodes
        self.connection = connection
        self.wiring = Wiring(plan, nodes, lambda: self.now, self.pass_time, self.note_blamed)
        self.index = Index(chain, connection, self.wiring.behind)
        self.now = 0.0
        self.errors: Counter[str] = Counter()
        self.blamed: Counter[str] = Counter()
        self.raised = ""
        self.connections: list[MortalConnection] = []
        self.pools: list[EndpointPool] = []
        self.loops: list[LatestLoop | HistoricLoop] = []
        self.owners = [f"worker-{place}" for place in (LATEST, TWIN, *HELPERS)]
        self.births = 0
        self.pending: list[tuple[int, Sequence[Happening]]] = []
        self.failed: Exception | None = None
        self.busy: set[int] = set()
        for node in nodes:
            node.before = self.while_waiting
        for place in range(len(self.owners)):
            self.connections.append(open_mortal(connection))
            self.pools.append(self.wiring.open_pool(self.owners[place], {}))
            self.loops.append(self.open_loop(place))

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def note_blamed(self, label: str, what: str) -> None:
        self.blamed[label] += 1

    # The life of the processes.

    def open_loop(self, place: int) -> LatestLoop | HistoricLoop:
        if place not in HELPERS:
            return self.wiring.latest(self.connections[place], self.pools[place])
        return self.wiring.historic(self.connections[place], self.pools[place], self.owners[place])

    def close(self) -> None:
        for place in range(len(self.loops)):
            self.bury(place)
            self.pools[place].close()

    def bury(self, place: int) -> None:
        """What is left of a process whose end nobody has announced to it."""
        self.connections[place].close()

    def rebirth(self, place: int) -> None:
        """Another process takes the place of one that is gone."""
        self.bury(place)
        self.births += 1
        self.owners[place] = f"worker-{place}-{self.births}"
        self.connections[place] = open_mortal(self.connection)
        # A worker keeps what it learned of endpoints in the database now and then: the newest of it may be lost.
        limits = self.pools[place].limits() if self.births % 2 else {}
        self.pools[place].close()
        self.pools[place] = self.wiring.open_pool(self.owners[place], limits)
        self.loops[place] = self.open_loop(place)

    def reconnect(self, place: int) -> None:
        """The same process with another connection, as Worker.guard and run_historic do it."""
        self.bury(place)
        self.connections[place] = open_mortal(self.connection)
        release_segments(self.connections[place], self.owners[place])
        self.loops[place] = self.open_loop(place)

    def step(self, place: int) -> bool:
        """One step of a loop, with what its worker does about what it raises; none where it is in the midst of one."""
        if place in self.busy:
            return False
        self.busy.add(place)
        try:
            return self.step_safely(place)
        finally:
            self.busy.remove(place)

    def step_safely(self, place: int) -> bool:
        self.now += 1.0
        turn_clock(self.connection, self.now)
        loop = self.loops[place]
        try:
            return loop.step()
        except RpcError as error:
            self.errors[type(error).__name__] += 1
            self.raised = str(error)
        except psycopg.OperationalError as error:
            self.errors[type(error).__name__] += 1
            self.reconnect(place)
        except Killed:
            self.errors["Killed"] += 1
            self.rebirth(place)
        return False

    @property
    def requests(self) -> int:
        return sum(node.requests for node in self.nodes)

    def happen(self, happening: Happening) -> None:
        getattr(self, happening.name)(*happening.arguments)

    def while_waiting(self) -> None:
        """In the thread of a node that has been asked something, before it answers."""
        due = [happenings for left, happenings in self.pending if left == 0]
        self.pending = [(left - 1, happenings) for left, happenings in self.pending if left > 0]
        try:
            for happening in (each for happenings in due for each in happenings):
                self.happen(happening)
        except Exception as error:
            self.failed = error

    # What happens, by the names of life.py.

    def meanwhile(self, requests: int, happenings: Sequence[Happening]) -> None:
        self.pending.append((requests, happenings))

    def latest(self) -> None:
        self.step(LATEST)

    def twin(self) -> None:
        self.step(TWIN)

    def historic(self, helper: int) -> None:
        self.step(HELPERS[helper])

    def lapse(self, helper: int) -> None:
        self.connection.execute(
            "UPDATE segments SET lease_until = now() - interval '1 s' WHERE owner = %s", [self.owners[HELPERS[helper]]]
        )

    def grow(self, blocks: int) -> None:
        self.chain.grow(blocks)

    def reorganise(self, depth: int, blocks: int) -> None:
        self.chain.reorganise(min(depth, self.chain.head - 1), blocks)

    def go_back(self) -> None:
        if self.chain.left:
            self.chain.return_to(self.chain.left[-1])

    def flip(self, job: int, first: int, request: int, depth: int) -> None:
        self.rescan(job, first)
        for _ in range(3):
            self.step(LATEST)
        self.meanwhile(request, (Happening("reorganise", (depth, depth + 1)),))
        self.step(HELPERS[0])
        self.go_back()

    def overtake(self, job: int, request: int, depth: int) -> None:
        for _ in range(depth + 4):
            self.step(LATEST)
        again = Happening("rescan", (job, 0))
        self.happen(again)
        twin = (Happening("twin"),) * (depth + 4)
        self.meanwhile(request, (Happening("reorganise", (depth, depth)), *twin, again))
        self.step(LATEST)

    def import_list(self, pairs: Sequence[tuple[int, str]]) -> None:
        self.import_watches([(place, name, name) for place, name in pairs])

    def change(self, place: int, old: str, new: str) -> None:
        self.import_watches([(place, old, new)])

    def import_watches(self, watches: Sequence[tuple[int, str, str]]) -> None:
        contracts = self.chain.population.contracts
        content = watch_list(CHAIN_ID, {(contracts[place], product, name) for place, product, name in watches})
        import_watch_list(self.connection, read_watch_list(content), source="test", chain_floor=0, prune=False)

    def disable(self, job: int) -> None:
        self.with_job(job, lambda id_: disable_jobs(self.connection, [id_]))

    def enable(self, job: int) -> None:
        self.with_job(job, lambda id_: enable_jobs(self.connection, [id_]))

    def rescan(self, job: int, first: int) -> None:
        self.with_job(job, lambda id_: rescan_jobs(self.connection, [id_], first))

    def with_job(self, job: int, work: Callable[[int], object]) -> None:
        ids = [id_ for (id_,) in self.connection.execute("SELECT id FROM jobs WHERE NOT retired ORDER BY id")]
        work(ids[job % len(ids)])

    def turn(self, era: int) -> None:
        for node, member in zip(self.nodes, self.plan.members, strict=True):
            node.faults = member.eras[era]

    def cut(self, place: int) -> None:
        cut(self.connection, self.connections[place])

    def kill(self, place: int, left: int) -> None:
        self.connections[place].left = left

    def restart(self) -> None:
        for place in set(range(len(self.loops))) - self.busy:
            self.rebirth(place)

    def live(self) -> None:
        """Everything that the plan says, one after the other; nothing false is claimed at any moment."""
        for happening in self.plan.life:
            self.happen(happening)
            if self.failed:
                raise self.failed
            self.check_promises()
            if happening.name in WORTH_A_LOOK:
                self.index.check_levels(self.plan.reliable)

    # The end.

    def settle(self) -> None:
        """Honest endpoints, and enough blocks for everything before to be final; then both loops come to rest."""
        self.pending.clear()
        for node in self.nodes:
            node.heal()
        for connection in self.connections:
            connection.left = None
        # An endpoint that has served another chain is refused until somebody looks at it.
        self.restart()
        self.now += LONGEST_TERM
        self.chain.grow(2 * self.chain.finality.depth)
        self.chain.execute()
        self.rest()
        enable_jobs(
            self.connection, [id_ for (id_,) in self.connection.execute("SELECT id FROM jobs WHERE NOT retired")]
        )
        self.rest()

    def rest(self) -> None:
        """Step both loops until neither has anything left to do."""
        quiet = 0
        for _ in range(MOST_STEPS):
            self.now += 10.0
            self.hurry()
            before = self.errors.total()
            worked = [self.step(place) for place in (LATEST, *HELPERS)]
            quiet = 0 if any(worked) or self.errors.total() > before else quiet + 1
            if quiet == 3:
                return
        raise AssertionError(f"no rest after {MOST_STEPS} steps; raised last: {self.raised}")

    def hurry(self) -> None:
        delays, leases, jobs = HURRY
        self.connection.execute(delays)
        self.connection.execute(leases, [self.owners])
        self.connection.execute(jobs)

    def check_promises(self) -> None:
        self.index.check_claims(self.plan.above_final, self.plan.below_final)
        self.index.check_weakest()
        if self.plan.knows_its_chain:
            self.index.check_blocks()

    def check_end(self) -> None:
        """What holds once all has come to rest, and where no more is promised once all was audited."""
        self.check_promises()
        self.index.check_levels(self.plan.reliable)
        if self.plan.in_the_end is Promise.AFTER_AUDIT:
            self.audit()
        if self.plan.in_the_end is not Promise.NOTHING:
            self.index.check_truth()

    def audit(self) -> None:
        """Audit all that is final, as often as that makes the loops read something again."""
        pool = self.wiring.open_pool("audit", {})
        with closing(pool), closing(open_mortal(self.connection)) as connection:
            for _ in range(MOST_AUDITS):
                auditor = Auditor("hilltop", connection, pool.for_purpose("audit"), level=self.plan.audit)
                findings = {audit_one(auditor, reading) for reading, _ in choose_readings(connection, 0, None, 1.0)}
                self.rest()
                if not findings & {Finding.REPAIRED, Finding.CHANGED}:
                    assert findings <= {Finding.AGREES, Finding.WRONG_ANSWER, None}, findings
                    return
        raise AssertionError(f"audit after audit finds something to repair: {findings}")


def audit_one(auditor: Auditor, reading: int) -> Finding | None:
    """None where there is no such reading any more."""
    audit = auditor.begin(reading)
    verdict = None
    while audit is not None and verdict is None:
        verdict = audit.step()
    return verdict.finding if verdict else None
