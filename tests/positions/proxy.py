"""A real node behind a proxy that now and then says something else: what a test cannot make anvil say itself."""

import json
from collections.abc import Callable
from threading import Event
from typing import Any
from urllib.request import Request, urlopen

from indexer.rpc import Endpoint, Node
from tests.rpc.scripted import Answer, ScriptedNode, Sent

Rule = Callable[[dict[str, Any]], Answer | None]
"""What to answer a call, None to ask the node."""


class Proxy:
    """Answers each call by the first of `rules` that has an answer for it, otherwise as the node at `to` does."""

    def __init__(self, url: str) -> None:
        self.rules: list[Rule] = []
        self.to = url
        self._server = ScriptedNode()
        self._server.always = self._answer

    @property
    def url(self) -> str:
        return self._server.url

    def node(self) -> Node:
        """A client of the proxy that does not wait between attempts."""
        return Node(Endpoint(self.url, "proxy-1", timeout=5.0), attempts=2, pause=lambda seconds: None)

    def asked(self, method: str) -> list[Any]:
        """The parameters of every call of a method so far, those in batches too."""
        calls = [call for sent in self._server.asked for call in (sent if isinstance(sent, list) else [sent])]
        return [call["params"] for call in calls if call["method"] == method]

    def ranges(self) -> list[tuple[int, int, list[str] | None]]:
        """First block, last block and addresses of every eth_getLogs by range so far."""
        return [
            (int(asked["fromBlock"], 16), int(asked["toBlock"], 16), asked.get("address"))
            for (asked,) in self.asked("eth_getLogs")
            if "fromBlock" in asked
        ]

    def forget(self) -> None:
        self._server.asked.clear()

    def stop(self) -> None:
        self._server.stop()

    def _answer(self, request: Any) -> Sent:
        if isinstance(request, list):
            answers = [self._answer(call) for call in request]
            return Sent(b"[" + b",".join(answer.body for answer in answers) + b"]")
        for rule in self.rules:
            answer = rule(request)
            if answer is not None:
                return answer(request)
        body = json.dumps(request).encode()
        with urlopen(Request(self.to, body, {"Content-Type": "application/json"}), timeout=30) as response:
            return Sent(response.read())


def delaying(method: str) -> tuple[Rule, Event, Event]:
    """A rule that lets the node answer calls of a method only after a while: when one has been asked, and when to."""
    asked, answer = Event(), Event()

    def hold(call: dict[str, Any]) -> None:
        if call["method"] == method:
            asked.set()
            answer.wait(60)

    return hold, asked, answer


def for_ranges(wanted: Callable[[int, int, list[str] | None], bool], answer: Answer) -> Rule:
    """Give this answer to every eth_getLogs whose first block, last block and addresses are `wanted`."""

    def rule(call: dict[str, Any]) -> Answer | None:
        if call["method"] != "eth_getLogs" or "fromBlock" not in call["params"][0]:
            return None
        asked = call["params"][0]
        blocks = int(asked["fromBlock"], 16), int(asked["toBlock"], 16)
        return answer if wanted(*blocks, asked.get("address")) else None

    return rule
