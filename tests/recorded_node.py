"""A node over real HTTP that serves recorded mainnet blocks as geth does; its chain grows when a test says so.

It stands in for a service that no machine of the tests can reach; what it says was said by a real node.
"""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.loopback import Loopback, QuietHandler

Answer = dict[str, Any]

MOST_PER_POSITION = 1000
"""Addresses, or topics of one position, that geth takes in a filter."""


class NodeRefusal(Exception):
    """A JSON-RPC error, with the code and the words of geth."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


def read_blocks(shared_data: Path) -> list[Answer]:
    """The recorded blocks, {"block", "receipts"} each as the node answered them, by number."""
    with gzip.open(next((shared_data / "mainnet").glob("ethereum-*.jsonl.gz")), "rt") as lines:
        return [json.loads(line) for line in lines]


class RecordedNode(Loopback):
    """Serves `blocks` at `url` up to the block number `head`; `finalized` is what the tag of that name leads to.

    Both may be set at any moment. `asked` counts calls by method.
    """

    def __init__(self, blocks: list[Answer], *, head: int, finalized: int, chain_id: int = 1) -> None:
        self.head = head
        self.finalized = finalized
        self.chain_id = chain_id
        self.asked: Counter[str] = Counter()
        self._by_number = {int(each["block"]["number"], 16): each for each in blocks}
        self._by_hash = {each["block"]["hash"]: number for number, each in self._by_number.items()}
        self._methods: dict[str, Callable[..., Any]] = {
            "eth_chainId": lambda: hex(self.chain_id),
            "eth_blockNumber": lambda: hex(self.head),
            "eth_getBlockByNumber": self.block_by_number,
            "eth_getBlockByHash": self.block_by_hash,
            "eth_getBlockReceipts": self.receipts,
            "eth_getLogs": self.logs,
        }
        super().__init__(Handler, poll=0.05)

    def block_by_number(self, block: str, full: bool) -> Answer | None:
        found = self._known(self._number(block))
        return self._shown(found, full) if found else None

    def block_by_hash(self, block_hash: str, full: bool) -> Answer | None:
        found = self._known(self._by_hash.get(block_hash))
        return self._shown(found, full) if found else None

    def receipts(self, block: str) -> list[Answer] | None:
        found = self._known(self._by_hash.get(block) if len(block) == 66 else self._number(block))
        return found["receipts"] if found else None

    def logs(self, criteria: Answer) -> list[Answer]:
        addresses = criteria.get("address") or []
        addresses = {addresses.lower()} if isinstance(addresses, str) else {address.lower() for address in addresses}
        positions = [
            {wanted} if isinstance(wanted, str) else set(wanted or ()) for wanted in criteria.get("topics", ())
        ]
        if max(map(len, [addresses, *positions])) > MOST_PER_POSITION:
            raise NodeRefusal(-32602, "exceed max addresses or topics per search position")
        return [
            log
            for number in self._asked_blocks(criteria)
            for receipt in self._by_number[number]["receipts"]
            for log in receipt["logs"]
            if (not addresses or log["address"] in addresses)
            and len(positions) <= len(log["topics"])
            and all(not wanted or topic in wanted for wanted, topic in zip(positions, log["topics"], strict=False))
        ]

    def _asked_blocks(self, criteria: Answer) -> range:
        if "blockHash" in criteria:
            if "fromBlock" in criteria or "toBlock" in criteria:
                raise NodeRefusal(-32602, "invalid argument 0: cannot specify both BlockHash and FromBlock/ToBlock")
            number = self._by_hash.get(criteria["blockHash"])
            if self._known(number) is None or number is None:
                raise NodeRefusal(-32000, "unknown block")
            return range(number, number + 1)
        first, last = (self._number(criteria.get(end, "latest")) for end in ("fromBlock", "toBlock"))
        if first > last:
            raise NodeRefusal(-32602, "invalid block range params")
        if last > self.head:
            raise NodeRefusal(-32602, "block range extends beyond current head block")
        if first not in self._by_number:
            raise NodeRefusal(4444, "pruned history unavailable")
        return range(first, last + 1)

    def _number(self, block: str) -> int:
        tags = {"latest": self.head, "pending": self.head, "finalized": self.finalized, "safe": self.finalized}
        return tags[block] if block in tags else int(block, 16)

    def _known(self, number: int | None) -> Answer | None:
        return self._by_number.get(number) if number is not None and number <= self.head else None

    def _shown(self, found: Answer, full: bool) -> Answer:
        if full:
            raise NodeRefusal(-32000, "transactions were not recorded: ask for their hashes")
        block: Answer = found["block"]
        return block

    def reply(self, request: Any) -> Any:
        """The answer to one request, or to each of a batch."""
        if isinstance(request, list):
            if not request:
                return {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "empty batch"}}
            return [self.reply(each) for each in request]
        method = request["method"]
        self.asked[method] += 1
        envelope = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            if method not in self._methods:
                raise NodeRefusal(-32601, f"the method {method} does not exist/is not available")
            return envelope | {"result": self._methods[method](*request.get("params", ()))}
        except NodeRefusal as refusal:
            return envelope | {"error": {"code": refusal.code, "message": str(refusal)}}


def as_set(wanted: str | list[str] | None) -> set[str]:
    """A filter's addresses, or its topics of one position; empty for any."""
    return {text.lower() for text in ([wanted] if isinstance(wanted, str) else wanted or ())}


class Handler(QuietHandler):
    def respond(self, text: bytes) -> None:
        try:
            reply = self.server.node.reply(json.loads(text))
        except json.JSONDecodeError:
            reply = {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "parse error"}}
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
