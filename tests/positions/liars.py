"""The real node as several endpoints, some of which say something else: local-1, local-2 and so on."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from math import inf
from typing import Any
from urllib.request import Request, urlopen

import pytest

from indexer.positions.audit import Auditor
from indexer.positions.historic import HistoricLoop
from indexer.positions.latest import LatestLoop
from indexer.positions.protocol.audits import choose_readings
from indexer.positions.verdict import Verdict
from indexer.rpc import Endpoint, EndpointPool, Level, Node
from tests.positions.proxy import Proxy, Rule
from tests.positions.world import FINALITY, A, B, C, World, grow
from tests.rpc.scripted import Answer, giving


class Endpoints:
    """Proxies of one node; by `lie` one of them makes something of the logs it answers."""

    def __init__(self, url: str, count: int) -> None:
        self.url = url
        self.proxies = [Proxy(url) for _ in range(count)]

    @property
    def urls(self) -> str:
        return ",".join(proxy.url for proxy in self.proxies)

    def pool(self, *places: int, **options: Any) -> EndpointPool:
        """A pool of these, from 1; of all where none are given."""
        chosen = places or range(1, len(self.proxies) + 1)
        nodes = [Node(Endpoint(self.proxies[place - 1].url, f"local-{place}", timeout=5.0)) for place in chosen]
        return EndpointPool(nodes, pause=lambda seconds: None, **options)

    def lie(self, place: int, change: Callable[[list[Any]], list[Any]], *, receipts: bool = False) -> None:
        """Endpoint `place` gives what `change` makes of its logs; of those in receipts, too, where it says so."""
        self.proxies[place - 1].rules.append(changing_logs(self.url, change, receipts=receipts))

    def tell_the_truth(self) -> None:
        for proxy in self.proxies:
            proxy.rules.clear()

    def stop(self) -> None:
        for proxy in self.proxies:
            proxy.stop()


def changing_logs(url: str, change: Callable[[list[Any]], list[Any]], *, receipts: bool) -> Rule:
    def rule(call: dict[str, Any]) -> Answer | None:
        if call["method"] == "eth_getLogs":
            return giving(change(ask(url, call)))
        if receipts and call["method"] == "eth_getBlockReceipts":
            answer = ask(url, call)
            for receipt in answer or ():
                receipt["logs"] = change(receipt["logs"])
            return giving(answer)
        return None

    return rule


def ask(url: str, call: dict[str, Any]) -> Any:
    request = Request(url, json.dumps(call).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as response:
        return json.load(response)["result"]


def dropping(one_in: int, seed: int = 1, last: float = inf) -> Callable[[list[Any]], list[Any]]:
    """Leave out one log in so many, always the same ones, and none after the block `last`."""

    def drop(logs: list[Any]) -> list[Any]:
        return [log for log in logs if number_of(log, seed) % one_in or int(log["blockNumber"], 16) > last]

    return drop


def number_of(log: Any, seed: int) -> int:
    text = f"{seed} {log['blockHash']} {log['logIndex']}"
    return int.from_bytes(sha256(text.encode()).digest()[:8])


def dropping_blocks(first: int, last: int) -> Callable[[list[Any]], list[Any]]:
    """As a node with a hole does: nothing of these blocks."""
    return lambda logs: [log for log in logs if not first <= int(log["blockNumber"], 16) <= last]


def busy_block(world: World, number: int) -> int:
    """The first block from this one on that has logs; some have none."""
    return next(number + place for place, logs in enumerate(world.evm.logs(number)) if logs)


def inventing(block: int, user: bytes) -> Callable[[list[Any]], list[Any]]:
    """In this block the last log names another user besides."""

    def invent(logs: list[Any]) -> list[Any]:
        there = [log for log in logs if int(log["blockNumber"], 16) == block]
        if not there:
            return logs
        last = there[-1]
        made = last | {
            "topics": [*last["topics"][:2], "0x" + user.rjust(32, b"\0").hex()],
            "logIndex": hex(int(last["logIndex"], 16) + 1),
        }
        place = logs.index(last) + 1
        return [*logs[:place], made, *logs[place:]]

    return invent


LISTS: dict[bytes, object] = {A: "Transfer", B: "Transfer", C: "Transfer"}


def read_by(world: World, pool: EndpointPool) -> None:
    """Both loops read everything there is from this pool, claiming whatever it says."""
    latest = LatestLoop("hilltop", world.connection, pool, FINALITY, goal=Level.CLAIMED)
    for _ in range(3):
        while latest.step():
            pass
        historic = HistoricLoop("hilltop", world.connection, pool, "test")
        try:
            while historic.step():
                pass
        finally:
            historic.close()


def make_final(world: World) -> None:
    """What was read becomes final, by loops that are told the truth."""
    grow(world.evm, FINALITY.depth + 1)
    world.settle()


def audit(world: World, pool: EndpointPool, **options: Any) -> list[Verdict]:
    """Audit every reading that is there when its turn comes."""
    auditor = Auditor("hilltop", world.connection, pool, **options)
    verdicts = []
    for reading, _ in choose_readings(world.connection, 0, None, 1.0):
        audit = auditor.begin(reading)
        while audit is not None:
            verdict = audit.step()
            if verdict is not None:
                verdicts.append(verdict)
                break
    return verdicts


@contextmanager
def endpoints_of(world: World, count: int) -> Iterator[Endpoints]:
    endpoints = Endpoints(world.evm.url, count)
    try:
        yield endpoints
    finally:
        endpoints.stop()


@pytest.fixture
def three(world: World) -> Iterator[Endpoints]:
    with endpoints_of(world, 3) as endpoints:
        yield endpoints


@pytest.fixture
def two(world: World) -> Iterator[Endpoints]:
    with endpoints_of(world, 2) as endpoints:
        yield endpoints


def number_dropped(world: World, one_in: int, seed: int, first: int, last: int) -> list[tuple[int, bytes, bytes]]:
    """(block, contract, user) of the watched logs that `dropping` leaves out of these blocks."""
    return [
        (int(log["blockNumber"], 16), bytes.fromhex(log["address"][2:]), bytes.fromhex(log["topics"][2][26:]))
        for logs in world.evm.logs(first)[: last + 1 - first]
        for log in logs
        if not number_of(log, seed) % one_in
    ]


def is_first(world: World, block: int, contract: bytes, user: bytes) -> bool:
    """Whether the user's row of the contract's job names this block, by one log of it alone."""
    touches = [at for at, who in world.evm.touches(contract, first=world.floor) if who == user]
    return min(touches) == block and touches.count(block) == 1


def seed_that_drops_one(world: World, first: int, last: int, *, shown: bool, one_in: int = 1000) -> int:
    """A seed for which one log in a thousand is a single one of these blocks; `shown` by the rows, or not."""
    for seed in range(100_000):
        dropped = number_dropped(world, one_in, seed, first, last)
        if len(dropped) == 1 and is_first(world, *dropped[0]) == shown:
            return seed
    raise AssertionError("no such seed")
