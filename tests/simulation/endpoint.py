"""A node over real HTTP that serves a generated chain, honestly or as its faults want it.

It does what a service on the internet would; there is none that misbehaves when a test wants it to.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.loopback import Loopback, QuietHandler
from tests.recorded_node import as_set
from tests.simulation.blocks import Answer, Block
from tests.simulation.chain import Chain
from tests.simulation.faults import ABSENT, Call, Dice, Fault, Refusal, Sent


class SimulatedNode(Loopback):
    """Serves `chain` at `url`, `lag` blocks behind its head; `keeps_orphans`: it still knows blocks of left branches.

    `asked` counts calls by method, `requests` what came over HTTP (a batch is one), `done` how often each fault was
    committed. What a fault does to a question follows from `seed`, the label, the question and how often it was asked
    before, so that threads may ask in any order. `other` is the chain that a failover to the wrong one leads to.
    `before` is called when a request has come and nothing of it has been answered: what happens while a client waits.
    """

    def __init__(
        self,
        chain: Chain,
        label: str,
        *,
        seed: int = 0,
        lag: int = 0,
        keeps_orphans: bool = True,
        chain_id: int = 31337,
        faults: Iterable[Fault] = (),
        other: Chain | None = None,
    ) -> None:
        self.chain = chain
        self.label = label
        self.seed = seed
        self.lag = lag
        self.keeps_orphans = keeps_orphans
        self.chain_id = chain_id
        self.faults = tuple(faults)
        self.other = other
        self.asked: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.requests = 0
        self.before: Callable[[], object] = lambda: None
        self._times: Counter[str] = Counter()
        self._methods: Mapping[str, Callable[..., Any]] = {
            "eth_chainId": lambda: hex(self.chain_id),
            "eth_blockNumber": lambda: hex(self.head),
            "eth_getBlockByNumber": self.block_by_number,
            "eth_getBlockByHash": self.block_by_hash,
            "eth_getBlockReceipts": self.receipts,
            "eth_getLogs": self.logs,
        }
        super().__init__(_Handler, poll=0.01)

    def __repr__(self) -> str:
        return f"<SimulatedNode {self.label}: {', '.join(map(str, self.faults)) or 'honest'}>"

    def heal(self) -> None:
        """Be honest and up to date from now on."""
        self.faults, self.lag = (), 0

    # What an honest node answers.

    @property
    def head(self) -> int:
        """The newest height it has; below the chain's where it lags, and never a null round."""
        head = max(0, self.chain.head - self.lag)
        while head not in self.chain.canonical:
            head -= 1
        return head

    def block_by_number(self, block: str, full: bool) -> Answer | None:
        found = self.at(self.number(block))
        return found.header if found else None

    def block_by_hash(self, block_hash: str, full: bool) -> Answer | None:
        found = self.known(block_hash)
        return found.header if found else None

    def receipts(self, block: str) -> list[Answer] | None:
        found = self.known(block) if len(block) == 66 else self.at(self.number(block))
        return found.receipts if found and self.chain.has_executed(found) else None

    def logs(self, criteria: Answer) -> list[Answer]:
        return [log for block in self.asked_blocks(criteria) for log in self.matching(criteria, block)]

    def matching(self, criteria: Answer, block: Block) -> list[Answer]:
        """The logs of a block that answer the criteria."""
        if not self.chain.has_executed(block):
            return []
        addresses = as_set(criteria.get("address"))
        positions = [as_set(wanted) for wanted in criteria.get("topics", ())]
        return [
            log
            for log in block.logs
            if (not addresses or log["address"] in addresses)
            and len(positions) <= len(log["topics"])
            and all(not wanted or topic in wanted for wanted, topic in zip(positions, log["topics"], strict=False))
        ]

    def asked_blocks(self, criteria: Answer) -> list[Block]:
        if "blockHash" in criteria:
            if "fromBlock" in criteria or "toBlock" in criteria:
                raise Refusal(-32602, "invalid argument 0: cannot specify both BlockHash and FromBlock/ToBlock")
            block = self.known(criteria["blockHash"])
            if block is None:
                raise Refusal(-32000, "unknown block")
            return [block]
        first, last = self.asked_range(criteria)
        if first > last:
            raise Refusal(-32602, "invalid block range params")
        if last > self.head:
            raise Refusal(-32602, "block range extends beyond current head block")
        return [self.chain.canonical[number] for number in range(first, last + 1) if number in self.chain.canonical]

    def asked_range(self, criteria: Answer) -> tuple[int, int]:
        return self.number(criteria.get("fromBlock", "latest")), self.number(criteria.get("toBlock", "latest"))

    def number(self, block: str) -> int:
        if block in ("finalized", "safe"):
            final = self.chain.final(self.head)
            while final not in self.chain.canonical:
                final -= 1
            return final
        return self.head if block in ("latest", "pending") else int(block, 16)

    def at(self, number: int) -> Block | None:
        """The canonical block of a height, as far as this node has come."""
        if number > self.head:
            return None
        if number not in self.chain.canonical:
            raise Refusal(12, f"requested epoch was a null round ({number})")
        return self.chain.canonical[number]

    def known(self, block_hash: str) -> Block | None:
        block = self.chain.by_hash.get(block_hash)
        if block is None:
            return None
        canonical = self.chain.canonical.get(block.number) is block
        return block if (block.number <= self.head if canonical else self.keeps_orphans) else None

    # What it says of it.

    def serve(self, body: bytes) -> Sent:
        """The HTTP answer to one request."""
        try:
            request = json.loads(body)
        except json.JSONDecodeError:
            return Sent.of({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "parse error"}})
        self.before()
        with self.chain.lock:
            self.requests += 1
            sent = self._reply(request)
            calls = request if isinstance(request, list) else [request]
            question = self._asked("".join(f"{call['method']}{call.get('params')}" for call in calls) + " sent")
            for fault in self.faults:
                if fault.kind.sends is None:
                    continue
                dice = self._dice(fault, question)
                if dice.strikes(""):
                    changed = fault.kind.sends(request, sent, dice.random(""))
                    sent = sent if changed is sent else dice.committed(changed)
        return sent

    def answer(self, call: Call) -> Any:
        """The result of one call; the first fault is the one that lies nearest to the client. Raises Refusal."""
        return self._through(self.faults, call)

    def _through(self, faults: Sequence[Fault], call: Call) -> Any:
        if not faults:
            if call.method not in self._methods:
                raise Refusal(-32601, f"the method {call.method} does not exist/is not available")
            return self._methods[call.method](*call.params)
        fault, *inner = faults
        kind = fault.kind
        if kind.answers is None or (kind.methods and call.method not in kind.methods):
            return self._through(inner, call)
        dice = self._dice(fault, call.key)
        if not kind.sticky and not dice.strikes(""):
            return self._through(inner, call)
        return kind.answers(self, call, lambda: self._through(inner, call), dice)

    def _dice(self, fault: Fault, question: str) -> Dice:
        def count() -> None:
            self.done[fault.kind.name] += 1

        return Dice(f"{self.seed}:{self.label}:{fault.kind.name}", question, fault, count)

    def _asked(self, question: str) -> str:
        """The question and how often it has been asked."""
        self._times[question] += 1
        return f"{question}#{self._times[question]}"

    def _reply(self, request: Any) -> Sent:
        if not isinstance(request, list):
            return self._reply_to(request)
        if not request:
            return Sent.of({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "empty batch"}})
        replies = [self._reply_to(each) for each in request]
        # A gateway answers a batch with 200 whatever its parts are, and a refusal of all of it with its status.
        status = replies[0].status if len({reply.status for reply in replies}) == 1 else 200
        return replace(replies[0], value=[reply.value for reply in replies], status=status)

    def _reply_to(self, request: Answer) -> Sent:
        method, params = request["method"], request.get("params", [])
        self.asked[method] += 1
        envelope = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            result = self.answer(Call(method, params, self._asked(f"{method}{params}")))
        except Refusal as refusal:
            return Sent.of(envelope | {"error": refusal.error}, refusal.status, refusal.headers)
        return Sent.of(envelope if result is ABSENT else envelope | {"result": result})


class _Handler(QuietHandler):
    def respond(self, text: bytes) -> None:
        sent = self.server.node.serve(text)
        sent.wait()
        if sent.lost:
            self.close_connection = True
            return
        body = sent.body
        self.send_response_only(sent.status)
        self.send_header("Content-Type", "application/json")
        for name, value in sent.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + sent.cut))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = bool(sent.cut)
