"""Replicas of one chain on real sockets, a clock that only moves when somebody waits, and pools of both."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from random import Random
from typing import Any

from indexer.rpc import Endpoint, EndpointPool, Node

from .samples import header_json, log_json, receipt_json
from .scripted import Answer, ScriptedNode, Sent, giving, refusing


class Clock:
    """Seconds that pass only by `pause`, which keeps what it was asked for in `waits`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def wall(self) -> float:
        return 1_700_000_000 + self.now


class Replica:
    """A node that has the chain up to `head`; from `fork_from` on it is another branch's.

    `fails` answers whatever it is set for: a method, or "" for all. `asked` are the methods it was asked, `slow` is
    waited for before anything is answered, and a batch larger than `largest_batch` gets the answer beside it.
    """

    def __init__(self, head: int) -> None:
        self.head = head
        self.finalized: int | None = None
        self.fork_from: int | None = None
        self.fails: dict[str, Answer] = {}
        self.lacks: set[int] = set()
        self.largest_batch: tuple[int, Answer] | None = None
        self.chain_id = 42
        self.genesis_fork = 0
        self.slow: threading.Event | None = None
        self.node = ScriptedNode()
        self.node.always = self.answer
        self.endpoint: Endpoint | None = None

    @property
    def asked(self) -> list[str]:
        return [request["method"] for request in self.node.asked if isinstance(request, dict)]

    def answer(self, request: Any) -> Sent:
        if self.slow is not None:
            self.slow.wait(5)
        if isinstance(request, list):
            if self.largest_batch is not None and len(request) > self.largest_batch[0]:
                return self.largest_batch[1]({"id": request[0]["id"]})
            return Sent(json.dumps([json.loads(self.answer(each).body) for each in request]).encode())
        method, params = request["method"], request["params"]
        fails = self.fails.get(method) or self.fails.get("")
        return fails(request) if fails else self.reply(method, params)(request)

    def reply(self, method: str, params: Any) -> Answer:
        if method == "eth_chainId":
            return giving(hex(self.chain_id))
        if method == "eth_getBlockByNumber":
            tag = params[0]
            number = (
                {"latest": self.head, "finalized": self.finalized}[tag] if not tag.startswith("0x") else int(tag, 16)
            )
            return giving(None if number is None else self.header(number))
        if method == "eth_getBlockByHash":
            number = int(params[0][-60:], 16)
            header = self.header(number)
            return giving(header if header is not None and header["hash"] == params[0] else None)
        if method == "eth_getLogs":
            asked = params[0]
            if "blockHash" in asked:
                return giving([])
            last = int(asked["toBlock"], 16)
            return giving(
                [log_json(number, 0) for number in range(int(asked["fromBlock"], 16), min(last, self.head) + 1)]
            )
        if method == "eth_getBlockReceipts":
            return giving([receipt_json(int(params[0][-60:], 16))])
        return refusing(-32601, f"the method {method} does not exist")

    def header(self, number: int) -> dict[str, Any] | None:
        if number > self.head or number in self.lacks:
            return None
        forked = self.fork_from is not None and number >= self.fork_from
        return header_json(number, fork=self.genesis_fork if number == 0 else int(forked))


StartReplica = Callable[[int], Replica]


def pool_of(*replicas: Replica, clock: Clock | None = None, seed: int = 1, **options: Any) -> EndpointPool:
    """A pool of these; with `clock` nothing waits for real. The first is `local-1`, the second `local-2` and so on."""
    if clock is not None:
        options = {"clock": clock, "pause": clock.pause, "wall": clock.wall} | options
    nodes = [
        Node(Endpoint(replica.node.url, f"local-{place}", timeout=5.0)) for place, replica in enumerate(replicas, 1)
    ]
    return EndpointPool(nodes, random=Random(seed), **options)
