"""What a node of a made-up chain answers, as pieces of bytes that were prepared before anybody asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from threading import Lock
from time import monotonic, process_time
from typing import Any, NamedTuple

import msgspec
import numpy as np
from isal import igzip

from benchmarks.made_chain import CHAIN_ID, FIRST, Numbers, Shape, draw
from benchmarks.made_json import TRANSFER, write_headers, write_logs, write_transactions

Piece = bytes | memoryview

TOPIC0 = "0x" + TRANSFER.hex()
TAGS = ("latest", "safe", "finalized", "pending")
COUNTS = "standin_counts"
"""The method by which a benchmark reads what was asked; itself not counted. With true it counts anew from now on."""


class Request(msgspec.Struct):
    method: str
    params: list[Any] = []
    id: msgspec.Raw = msgspec.Raw(b"null")


class Counts(msgspec.Struct):
    """What was asked and answered since the start, or since it was told to count anew.

    `posts` are HTTP requests, `methods` the calls in them, `bytes` those of answers as they were sent; `cpu` is the
    stand-in's processor time in seconds. `began` is when logs were first asked for, by a clock that all processes of
    the machine share; None before.
    """

    posts: int
    calls: int
    methods: dict[str, int]
    bytes: int
    cpu: float
    began: float | None


class Caps(NamedTuple):
    """What a provider would refuse, None for nothing: more logs in one answer, more blocks in one question."""

    logs: int | None = None
    blocks: int | None = None


NO_CAPS = Caps()


class Refusal(Exception):
    """An error to answer with: its code and text."""


class MadeNode:
    """Answers JSON-RPC from a made-up chain, the last block of which is final. Safe to share between threads."""

    def __init__(self, shape: Shape, caps: Caps = NO_CAPS) -> None:
        self.shape = shape
        self.caps = caps
        self.columns = draw(shape)
        self.headers = write_headers(shape, self.columns)
        self.logs = write_logs(shape, self.columns, self.headers.hashes)
        self.text = self.logs.text.data
        self.numbers = {"0x" + hash.hex(): number for number, hash in enumerate(self.headers.hashes, FIRST)}
        self.by_contract = np.argsort(self.columns.contract, kind="stable")
        self.contract_starts = np.searchsorted(
            self.columns.contract[self.by_contract], np.arange(len(self.columns.contracts) + 1)
        )
        self.contract_of = {"0x" + each.tobytes().hex(): row for row, each in enumerate(self.columns.contracts)}
        self.packed: dict[tuple[int, bool], bytes] = {}
        self.lock = Lock()
        self.count_anew()

    def count_anew(self) -> None:
        with self.lock:
            self.posts = self.bytes = 0
            self.methods: Counter[str] = Counter()
            self.began: float | None = None

    def answer(self, body: bytes, *, gzip: bool = False) -> list[Piece]:
        """Return the answer to a POST, a call or a batch of them, as pieces to be sent one after the other."""
        came = monotonic()
        batch = body.lstrip()[:1] == b"["
        many = msgspec.json.decode(body if batch else b"[%s]" % body, type=list[Request])
        pieces: list[Piece] = [b"["] if batch else []
        for number, request in enumerate(many):
            if number:
                pieces.append(b",")
            pieces += self.call(request, gzip=gzip and not batch)
        if batch:
            pieces.append(b"]")
        if many and many[0].method != COUNTS:
            with self.lock:
                self.posts += 1
                if self.began is None and any(request.method == "eth_getLogs" for request in many):
                    self.began = came
                self.methods.update(request.method for request in many)
                self.bytes += sum(map(len, pieces))
        return pieces

    def call(self, request: Request, *, gzip: bool) -> list[Piece]:
        head = b'{"jsonrpc":"2.0","id":' + bytes(request.id)
        try:
            result = self.result(request, gzip=gzip)
        except Refusal as refusal:
            code, text = refusal.args
            result = [b',"error":' + msgspec.json.encode({"code": code, "message": text})]
        else:
            result = [b',"result":', *result]
        pieces = [head, *result, b"}"]
        if not gzip:
            return pieces
        # Members of gzip may follow each other: logs come packed, and what is around them is packed here.
        return [piece if bytes(piece[:2]) == b"\x1f\x8b" else igzip.compress(piece, 1) for piece in pieces]

    def result(self, request: Request, *, gzip: bool) -> Iterable[Piece]:
        match request.method, request.params:
            case "eth_getLogs", [dict(criteria)]:
                return self.find_logs(criteria, gzip=gzip)
            case "eth_getBlockByNumber", [str(number), *full]:
                return self.block(self.number_of(number), full=full == [True])
            case "eth_getBlockByHash", [str(hash), *full]:
                return self.block(self.numbers.get(hash.lower(), -1), full=full == [True])
            case "eth_blockNumber", _:
                return [b'"%s"' % hex(self.shape.last).encode()]
            case "eth_chainId", _:
                return [b'"%s"' % hex(CHAIN_ID).encode()]
            case "net_version", _:
                return [b'"%d"' % CHAIN_ID]
            case method, [*anew] if method == COUNTS:
                if anew == [True]:
                    self.count_anew()
                return [msgspec.json.encode(self.counts())]
        raise Refusal(-32601, f"the method {request.method} does not exist/is not available")

    def counts(self) -> Counts:
        with self.lock:
            return Counts(self.posts, self.methods.total(), dict(self.methods), self.bytes, process_time(), self.began)

    def number_of(self, text: str) -> int:
        if text in TAGS:
            return self.shape.last
        return FIRST if text == "earliest" else int(text, 16)

    def block(self, number: int, *, full: bool) -> list[Piece]:
        row = number - FIRST
        if not 0 <= row < self.shape.blocks:
            return [b"null"]
        hash = self.headers.hashes[row]
        return [self.headers.texts[row], write_transactions(self.shape, self.columns, row, hash, full=full), b"]}"]

    def find_logs(self, criteria: dict[str, Any], *, gzip: bool) -> list[Piece]:
        """The logs of a filter: by blocks and topic0 as they lie in the buffer, by addresses picked from it."""
        if "blockHash" in criteria:
            first = last = self.numbers.get(str(criteria["blockHash"]).lower(), -1)
            if first < 0:
                raise Refusal(-32000, "unknown block")
        else:
            first, last = (self.number_of(criteria.get(key) or "latest") for key in ("fromBlock", "toBlock"))
        if self.caps.blocks is not None and last - first >= self.caps.blocks:
            raise Refusal(-32602, f"exceed maximum block range: {self.caps.blocks}")
        first, last = max(first, FIRST) - FIRST, min(last, self.shape.last) - FIRST
        topics = criteria.get("topics") or [None]
        if any(topics[1:]):
            raise Refusal(-32602, "this stand-in looks at the first topic only")
        wanted = [topics[0]] if isinstance(topics[0], str) else topics[0]
        if first > last or (wanted and TOPIC0 not in map(str.lower, wanted)):
            return [b"[]"]
        addresses = criteria.get("address")
        if addresses:
            return self.of_addresses(first, last, [addresses] if isinstance(addresses, str) else addresses)
        start, end = int(self.columns.starts[first]), int(self.columns.starts[last + 1])
        self.check_count(end - start, first, start)
        if start == end:
            return [b"[]"]
        if gzip:
            return [b"[", *self.packed_blocks(first, last), b"]"]
        places = self.logs.places
        return [b"[", self.text[int(places[start]) : int(places[end]) - 1], b"]"]

    def of_addresses(self, first: int, last: int, addresses: Iterable[str]) -> list[Piece]:
        bounds = self.columns.starts[[first, last + 1]]
        found: list[Numbers] = []
        for address in addresses:
            row = self.contract_of.get(address.lower())
            if row is not None:
                logs = self.by_contract[self.contract_starts[row] : self.contract_starts[row + 1]]
                start, end = np.searchsorted(logs, bounds)
                found.append(logs[start:end])
        logs = np.sort(np.concatenate(found)) if found else np.zeros(0, np.int64)
        self.check_count(len(logs), first, int(bounds[0]))
        starts, ends = self.logs.places[logs].tolist(), (self.logs.places[logs + 1] - 1).tolist()
        text = self.text
        return [b"[", b",".join([text[start:end] for start, end in zip(starts, ends, strict=True)]), b"]"]

    def check_count(self, count: int, first: int, start: int) -> None:
        """Refuse what is too much, with the range that would not be, as Infura does."""
        cap = self.caps.logs
        if cap is not None and count > cap:
            fitting = int(np.searchsorted(self.columns.starts, start + cap, side="right")) - 2
            blocks = f"[{hex(FIRST + first)}, {hex(FIRST + max(first, fitting))}]"
            text = f"query returned more than {cap} results. Try with this block range {blocks}."
            raise Refusal(-32005, text)

    def packed_blocks(self, first: int, last: int) -> Iterable[bytes]:
        """The logs of blocks, each block packed the first time that it is asked for."""
        starts, places = self.columns.starts, self.logs.places
        while last > first and starts[last] == starts[last + 1]:
            last -= 1
        for block in range(first, last + 1):
            start, end = int(places[starts[block]]), int(places[starts[block + 1]])
            if start < end:
                key = block, block == last
                if key not in self.packed:
                    self.packed[key] = igzip.compress(self.text[start : end - (block == last)], 1)
                yield self.packed[key]
