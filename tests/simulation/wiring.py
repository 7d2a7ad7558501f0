"""The loops of a simulated process, wired to the endpoints of its chain as a worker wires them."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from random import Random
from typing import Any

from indexer.chains.connections import Connection
from indexer.chains.endpoints import Identity, check_chain_id, check_genesis, identify
from indexer.positions.historic import HistoricLoop
from indexer.positions.latest import LatestLoop
from indexer.positions.live import HOLD_SECONDS
from indexer.rpc import Endpoint, EndpointPool, Limits, Node, Trust
from tests.simulation.clock import EPOCH
from tests.simulation.endpoint import SimulatedNode
from tests.simulation.plan import Plan

BEHIND = 3
"""Blocks below the head at which the latest loop stays, where blocks are shown before their logs are there."""
TIMEOUT = 10.0
CHAIN_ID = 31337


class AtOnce(Executor):
    """Does what it is given before it returns: with threads, a seed would depend on how these are scheduled."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass(frozen=True)
class Wiring:
    """`clock` gives seconds and `pause` lets them pass; `blamed` is told of answers that were proved wrong."""

    plan: Plan
    nodes: Sequence[SimulatedNode]
    clock: Callable[[], float]
    pause: Callable[[float], None]
    blamed: Callable[[str, str], None]

    @property
    def behind(self) -> int:
        return BEHIND if "async-execution" in self.plan.chain.oddities.quirks else 0

    def open_pool(self, process: str, limits: Mapping[str, Limits]) -> EndpointPool:
        """The pool of one process, with what was learned before; each endpoint is checked before its first use."""
        profile = self.plan.chain.profile()
        genesis = bytes.fromhex(self.nodes[0].chain.canonical[0].hash[2:])

        def check(endpoint: Endpoint) -> None:
            found: Identity = identify(endpoint, self.pause, 1)
            check_chain_id("hilltop", endpoint.label, found, CHAIN_ID)
            check_genesis("hilltop", endpoint.label, found, genesis)

        endpoints = [Endpoint(node.url, node.label, TIMEOUT) for node in self.nodes]
        return EndpointPool(
            [Node(endpoint) for endpoint in endpoints],
            limits=limits,
            trust=Trust.of_quirks(profile.quirks, profile.standard_roots),
            clock=self.clock,
            wall=lambda: EPOCH + self.clock(),
            pause=self.pause,
            random=Random(f"pool {self.plan.seed} {process}"),
            parallel=False,
            blamed=self.blamed,
            checks={endpoint.label: (lambda endpoint=endpoint: check(endpoint)) for endpoint in endpoints},  # type: ignore[misc]
        )

    def latest(self, connection: Connection, pool: EndpointPool) -> LatestLoop:
        return LatestLoop("hilltop", connection, pool, self.plan.chain.finality, behind=self.behind, clock=self.clock)

    def historic(self, connection: Connection, pool: EndpointPool, owner: str) -> HistoricLoop:
        loop = HistoricLoop(
            "hilltop",
            connection,
            pool.for_purpose("historic"),
            owner,
            goal=self.plan.goal,
            in_flight=1,
            hold=self.plan.seed % 2 * HOLD_SECONDS,
            clock=self.clock,
        )
        loop.threads.shutdown()
        loop.threads = AtOnce()
        return loop
