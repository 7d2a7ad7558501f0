"""A node that has as much to say of every block, and says it at once: for what a worker holds in memory meanwhile."""

import json
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from tests.loopback import Loopback, QuietHandler

LOGS_PER_BLOCK = 50
MOST_LOGS = 10_000
"""Logs of one answer: what common providers give at most."""
MOST_ADDRESSES = 1000
BLOOM = "0x" + "ff" * 256
PLACE, HASH_PLACE = b"@" * 16, b"#" * 64
"""Where the number and the hash of a block go in its prepared logs."""


class SteadyNode(Loopback):
    """Blocks 0 to `blocks`, all final but the last few, each with the same number of Transfers of `contracts` in turn.

    Logs are made of texts prepared in advance; every log names another receiver. `logs_given` counts them.
    """

    def __init__(self, contracts: Sequence[str], topic0: str, *, blocks: int, chain_id: int) -> None:
        self.head = blocks
        self.chain_id = chain_id
        self.logs_given = 0
        self.numbers = {self.hash_of(number): number for number in range(blocks + 1)}
        self.kinds = max(1, len(contracts) // LOGS_PER_BLOCK)
        self.by_kind: list[dict[str, bytes]] = [{} for _ in range(self.kinds)]
        self.kind_of: dict[str, int] = {}
        for number, contract in enumerate(contracts[: self.kinds * LOGS_PER_BLOCK]):
            kind, index = divmod(number, LOGS_PER_BLOCK)
            self.by_kind[kind][contract] = prepare(contract, topic0, index)
            self.kind_of[contract] = kind
        self.whole = [b",".join(logs.values()) for logs in self.by_kind]
        super().__init__(Handler, poll=0.05)

    def hash_of(self, number: int) -> str:
        return sha256(f"{self.chain_id} {number}".encode()).hexdigest()

    def header(self, block: str) -> dict[str, Any] | None:
        tags = {"latest": self.head, "finalized": self.head - 64, "safe": self.head - 64}
        number = tags[block] if block in tags else int(block, 16)
        if number > self.head:
            return None
        return {
            "number": hex(number),
            "hash": "0x" + self.hash_of(number),
            "parentHash": "0x" + self.hash_of(number - 1),
            "timestamp": hex(1_700_000_000 + number),
            "logsBloom": BLOOM,
        }

    def answer(self, request: dict[str, Any]) -> bytes:
        method, params = request["method"], request.get("params", ())
        start = b'{"jsonrpc":"2.0","id":%s,' % json.dumps(request["id"]).encode()
        if method == "eth_getLogs":
            return start + self.logs(params[0]) + b"}"
        if method == "eth_getBlockByNumber":
            result: Any = self.header(params[0])
        elif method == "eth_chainId":
            result = hex(self.chain_id)
        elif method == "eth_blockNumber":
            result = hex(self.head)
        else:
            error = {"code": -32601, "message": f"the method {method} does not exist/is not available"}
            return start + b'"error":' + json.dumps(error).encode() + b"}"
        return start + b'"result":' + json.dumps(result).encode() + b"}"

    def logs(self, criteria: dict[str, Any]) -> bytes:
        if "blockHash" in criteria:
            first = last = self.numbers[criteria["blockHash"][2:]]
        else:
            first, last = int(criteria["fromBlock"], 16), int(criteria["toBlock"], 16)
        asked = criteria.get("address")
        if asked is None:
            wanted = {kind: (text, LOGS_PER_BLOCK) for kind, text in enumerate(self.whole)}
        elif len(asked) > MOST_ADDRESSES:
            return b'"error":{"code":-32602,"message":"exceed max addresses or topics per search position"}'
        else:
            wanted = self.only(asked)
        found = [
            (number, *wanted[number % self.kinds]) for number in range(first, last + 1) if number % self.kinds in wanted
        ]
        count = sum(logs for _, _, logs in found)
        if count > MOST_LOGS:
            return b'"error":{"code":-32005,"message":"query returned more than 10000 results"}'
        self.logs_given += count
        texts = [
            text.replace(PLACE, b"%016x" % number).replace(HASH_PLACE, self.hash_of(number).encode())
            for number, text, _ in found
        ]
        return b'"result":[' + b",".join(texts) + b"]"

    def only(self, contracts: Sequence[str]) -> dict[int, tuple[bytes, int]]:
        """By kind of block the logs of these contracts, and how many they are."""
        by_kind: defaultdict[int, list[bytes]] = defaultdict(list)
        for contract in contracts:
            kind = self.kind_of.get(contract)
            if kind is not None:
                by_kind[kind].append(self.by_kind[kind][contract])
        return {kind: (b",".join(logs), len(logs)) for kind, logs in by_kind.items()}


def prepare(contract: str, topic0: str, index: int) -> bytes:
    """One log; the places of its block's number and hash are to be filled."""
    log = {
        "address": contract,
        "topics": [topic0, "0x" + "0" * 64, f"0x{'0' * 24}{index:08x}{'0' * 16}{PLACE.decode()}"],
        "data": "0x" + "0" * 64,
        "blockNumber": f"0x{PLACE.decode()}",
        "blockHash": f"0x{HASH_PLACE.decode()}",
        "transactionHash": "0x" + "1" * 64,
        "transactionIndex": hex(index),
        "logIndex": hex(index),
        "removed": False,
    }
    return json.dumps(log).encode()


class Handler(QuietHandler):
    def respond(self, text: bytes) -> None:
        asked = json.loads(text)
        node = self.server.node
        body = b"[" + b",".join(map(node.answer, asked)) + b"]" if isinstance(asked, list) else node.answer(asked)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
