"""Three endpoints before one real chain, of which some lie; both loops on them, and a time that passes by waiting."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from indexer.positions.historic import HistoricLoop
from indexer.positions.latest import LatestLoop
from indexer.positions.meter import LOOP_ERRORS, MISMATCHES, RPC_ERRORS, Meter
from indexer.rpc import Endpoint, EndpointPool, Level, Node, RpcError
from indexer.rpc.trust import Trust
from tests.positions.pool_fixtures import fill
from tests.positions.proxy import Proxy, Rule
from tests.positions.world import FINALITY, A, B, C, World
from tests.rpc.pools import Clock
from tests.rpc.scripted import Answer, giving

LONG = 2000.0
"""Seconds after which whoever rested is asked again."""
FAILED_PAUSE, IDLE_PAUSE = 5.0, 2.0
"""Seconds that the worker lets pass after a step that failed, and after one without work."""


class Trio(World):
    """`pool` are three proxies before the world's node, local-1 to local-3; what they do is counted in `meter`."""

    def __init__(self, world: World, proxies: list[Proxy], **options: Any) -> None:
        super().__init__(world.chain, world.evm, world.connection)
        self.floor = world.floor
        self.proxies = proxies
        self.clock = Clock()
        self.meter = Meter()
        self.errors: list[RpcError] = []
        self.liars: set[str] = set()
        nodes = [
            Node(Endpoint(proxy.url, f"local-{place}", timeout=5.0, observe=self.meter.note_request))
            for place, proxy in enumerate(proxies, 1)
        ]
        settings: dict[str, Any] = {"trust": Trust.of_quirks([], standard=True)} | options
        self._pool = EndpointPool(
            nodes,
            clock=self.clock,
            wall=self.clock.wall,
            pause=self.clock.pause,
            random=Random(1),
            parallel=False,
            blamed=self.meter.note_mismatch,
            **settings,
        )

    @property
    def pool(self) -> EndpointPool:
        return self._pool

    @property
    def labels(self) -> list[str]:
        return [member.label for member in self._pool.members]

    def latest(self, connection: object = None, goal: Level = Level.PROVED) -> LatestLoop:
        return LatestLoop(
            "hilltop", self.connection, self.pool, FINALITY, goal=goal, clock=self.clock, meter=self.meter
        )

    @contextmanager
    def historic(
        self, connection: object = None, owner: str = "test", goal: Level = Level.CLAIMED
    ) -> Iterator[HistoricLoop]:
        loop = HistoricLoop(
            "hilltop", self.connection, self.pool, owner, goal=goal, in_flight=1, clock=self.clock, meter=self.meter
        )
        try:
            yield loop
        finally:
            loop.close()

    def watch(self, *contracts: bytes) -> None:
        self.import_list(dict.fromkeys(contracts or (A, B, C), "Transfer"))

    def lie(self, liars: int, *rules: Rule) -> None:
        """From now on so many answer by these rules; the first of them is the one that is asked now."""
        first = self.labels.index(self.pool.choose().label)
        for place in range(first, first + liars):
            self.proxies[place % 3].rules += rules
            self.liars.add(self.labels[place % 3])

    def heal(self) -> None:
        """All are honest again, and whoever rested has."""
        for proxy in self.proxies:
            proxy.rules.clear()
        self.clock.now += LONG

    def follow(self, steps: int, goal: Level = Level.PROVED) -> None:
        """Let the latest loop do so many steps as the worker does, looking at every one's result."""
        loop = self.latest(goal=goal)
        for _ in range(steps):
            try:
                worked = loop.step()
            except RpcError as error:
                self.errors.append(error)
                self.clock.now += FAILED_PAUSE
            else:
                self.clock.now += 0 if worked else IDLE_PAUSE
                if not worked and self.cursor == self.evm.head():
                    return
            self.check_so_far()

    def read_past(self, rounds: int, goal: Level = Level.CLAIMED, steps: int = 60) -> None:
        """Let the historic loop try whatever is left so many times."""
        for _ in range(rounds):
            self.connection.execute("UPDATE segments SET next_attempt = NULL")
            with self.historic(goal=goal) as loop:
                assert any(not loop.step() for _ in range(steps)), "the historic loop finds no end"
            self.check_so_far()
            self.clock.now += FAILED_PAUSE
            if not self.is_left():
                return

    def is_left(self) -> bool:
        left = "SELECT 1 FROM segments WHERE cursor <= to_block LIMIT 1"
        return self.connection.execute(left).fetchone() is not None

    def recover(self) -> None:
        """Read everything, with nobody who lies."""
        self.heal()
        for _ in range(3):
            self.follow(60)
            self.read_past(40, steps=200)

    @property
    def cursor(self) -> int | None:
        cursor: int | None = self.setting("latest_block_processed")
        return cursor

    def check_so_far(self) -> None:
        if self.cursor is not None:
            self.check_claims()

    def is_true(self) -> bool:
        """Whether both loops have come to the end of what there is; then it must be the truth."""
        if self.cursor != self.evm.head() or not self.setting("coverage")["complete"]:
            return False
        self.check_truth()
        return True

    @property
    def asked(self) -> int:
        """Requests that have come to the endpoints so far."""
        return sum(member.node.endpoint.requests for member in self._pool.members)

    def mismatches(self) -> dict[str, int]:
        """Answers proved wrong, by label."""
        return self._by_endpoint(MISMATCHES, lambda labels: True)

    def failures(self, *kinds: str) -> dict[str, int]:
        """Requests that failed with an error of these classes, by label."""
        return self._by_endpoint(RPC_ERRORS, lambda labels: labels[2] in kinds)

    def put_aside(self) -> dict[str, int]:
        """Ranges of the past put aside, by class of error."""
        return {labels[1]: count for labels, count in self.meter.counts()[LOOP_ERRORS].items() if count}

    def _by_endpoint(self, counted: Any, wanted: Callable[[tuple[str, ...]], bool]) -> dict[str, int]:
        found: dict[str, int] = {}
        for labels, count in self.meter.counts()[counted].items():
            if count and wanted(labels):
                found[labels[0]] = found.get(labels[0], 0) + count
        return found


def changing(world: World, methods: str | tuple[str, ...], change: Callable[[dict[str, Any], Any], Any]) -> Rule:
    """Answer these methods as the node does, but for what `change` makes of a call and its true result."""
    names = (methods,) if isinstance(methods, str) else methods

    def rule(call: dict[str, Any]) -> Answer | None:
        if call["method"] not in names:
            return None
        try:
            result = world.evm.ask(call["method"], *call["params"])
        except RuntimeError:
            return None
        return giving(change(call, result))

    return rule


def saying(methods: str | tuple[str, ...], answer: Answer) -> Rule:
    """Answer these methods so, whatever was asked."""
    names = (methods,) if isinstance(methods, str) else methods
    return lambda call: answer if call["method"] in names else None


@contextmanager
def three_proxies(world: World) -> Iterator[list[Proxy]]:
    """Before the world's node; none outlives the test."""
    proxies = [Proxy(world.evm.url) for _ in range(3)]
    try:
        yield proxies
    finally:
        for proxy in proxies:
            proxy.stop()


@pytest.fixture
def trio(world: World) -> Iterator[Trio]:
    """A, B and C are live up to the head, their past is waiting."""
    fill(world)
    with three_proxies(world) as proxies:
        trio = Trio(world, proxies)
        trio.watch()
        trio.follow(12)
        yield trio
