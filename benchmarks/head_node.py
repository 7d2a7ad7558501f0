"""A stand-in for a node at the head of a chain: true headers and logs, every answer prepared as bytes.

Headers link to each other and have the hash of their fields; blooms and receipts roots are those of the logs. Its own
process answers over kept connections what the latest loop asks, alone or in JSON-RPC batches.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from random import Random
from threading import Thread
from typing import Any, NamedTuple

import msgspec

from benchmarks.raw_http import read_message
from indexer.rpc.proofs import HeaderFields, ReceiptFields, bloom_of, header_hash, keccak256, receipts_root
from indexer.rpc.types import Log

TOPIC_EVENT = keccak256(b"Transfer(address,address,uint256)")
"""The user is in a topic: every one sets bits in the bloom of its block."""
DATA_EVENT = keccak256(b"Deposit(address,uint256)")
"""The user is in the data: a bloom holds contracts alone, and says of thousands of others that they are not there."""
DATA_ABI = "Deposit(address user, uint256 amount)"


EPOCH = 32
"""Blocks that become final at once."""


class Shape(NamedTuple):
    """What the blocks of a chain hold: `blocks` of them with so many `logs` in so many `receipts`.

    Half of the logs are of watched contracts, of which there are `jobs` in all; so many `contracts` of each kind are in
    a block.
    """

    name: str
    blocks: int
    logs: int
    receipts: int
    contracts: int
    users_in_data: bool
    jobs: int = 5_000

    @property
    def topic0(self) -> bytes:
        return DATA_EVENT if self.users_in_data else TOPIC_EVENT


class Prepared(NamedTuple):
    """Results as JSON by block: the header, the logs and the receipts, whose hash is known as hex."""

    hash: str
    header: bytes
    logs: bytes
    receipts: bytes


def watched_contracts(shape: Shape) -> list[bytes]:
    return [keccak256(b"watched %d" % number)[:20] for number in range(shape.jobs)]


def prepare(shape: Shape) -> list[Prepared]:
    """The chain, block 0 first. The same shape gives the same chain."""
    random = Random(shape.name)
    watched = watched_contracts(shape)
    parent, blocks = bytes(32), []
    for number in range(shape.blocks + 1):
        block = _block(shape, random, watched, number, parent)
        parent = bytes.fromhex(block.hash[2:])
        blocks.append(block)
    return blocks


def _block(shape: Shape, random: Random, watched: list[bytes], number: int, parent: bytes) -> Prepared:
    contracts = [random.sample(watched, shape.contracts), [random.randbytes(20) for _ in range(shape.contracts)]]
    drafts = [_log(shape, random, random.choice(contracts[place % 2]), place) for place in range(shape.logs)]
    size = -(-shape.logs // shape.receipts)
    receipts: list[dict[str, Any]] = []
    for place in range(shape.receipts):
        own = drafts[place * size : (place + 1) * size] if size * place < shape.logs else []
        placed = [log | {"blockNumber": hex(number), "blockHash": "0x" + "00" * 32} for log in own]
        receipts.append(
            {
                "logs": placed,
                "type": "0x2",
                "status": "0x1",
                "cumulativeGasUsed": hex(21_000 * (place + 1)),
                "logsBloom": "0x" + bloom_of(msgspec.convert(placed, list[Log])).hex(),
            }
        )
    header: dict[str, Any] = {
        "parentHash": "0x" + parent.hex(),
        "sha3Uncles": "0x" + "1d" * 32,
        "miner": "0x" + "22" * 20,
        "stateRoot": "0x" + random.randbytes(32).hex(),
        "transactionsRoot": "0x" + random.randbytes(32).hex(),
        "receiptsRoot": "0x" + (receipts_root(msgspec.convert(receipts, list[ReceiptFields])) or b"").hex(),
        "logsBloom": "0x" + _union(receipts),
        "difficulty": "0x0",
        "number": hex(number),
        "gasLimit": hex(30_000_000),
        "gasUsed": hex(21_000 * shape.receipts),
        "timestamp": hex(1_700_000_000 + 12 * number),
        "extraData": "0x",
        "mixHash": "0x" + random.randbytes(32).hex(),
        "nonce": "0x0000000000000000",
        "baseFeePerGas": hex(10**9),
        "withdrawalsRoot": "0x" + "56" * 32,
        "blobGasUsed": "0x0",
        "excessBlobGas": "0x0",
        "parentBeaconBlockRoot": "0x" + random.randbytes(32).hex(),
    }
    hash = "0x" + (header_hash(msgspec.convert(header, HeaderFields)) or b"").hex()
    for place, receipt in enumerate(receipts):
        receipt |= {"blockHash": hash, "blockNumber": hex(number), "transactionIndex": hex(place)}
        for log in receipt["logs"]:
            log["blockHash"] = hash
    transactions = ["0x" + random.randbytes(32).hex() for _ in range(shape.receipts)]
    encode = msgspec.json.encode
    logs = [log for receipt in receipts for log in receipt["logs"]]
    return Prepared(hash, encode(header | {"hash": hash, "transactions": transactions}), encode(logs), encode(receipts))


def _log(shape: Shape, random: Random, contract: bytes, index: int) -> dict[str, Any]:
    user = "00" * 12 + random.randbytes(20).hex()
    amount = f"{random.randrange(1, 10**18):064x}"
    topics = ["0x" + shape.topic0.hex()]
    if not shape.users_in_data:
        topics += ["0x" + "00" * 12 + contract.hex(), "0x" + user]
    return {
        "address": "0x" + contract.hex(),
        "topics": topics,
        "data": "0x" + (user + amount if shape.users_in_data else amount),
        "transactionHash": "0x" + random.randbytes(32).hex(),
        "transactionIndex": "0x0",
        "logIndex": hex(index),
        "removed": False,
    }


def _union(receipts: list[dict[str, Any]]) -> str:
    bits = 0
    for receipt in receipts:
        bits |= int(receipt["logsBloom"], 16)
    return f"{bits:0512x}"


class HeadNode:
    """The node as seen from outside: one URL for each endpoint, and a head that rises when told to."""

    def __init__(self, urls: list[str], first: bytes, head: Any, counts: Any) -> None:
        self.urls = urls
        self.first = first
        self._head = head
        self._counts = counts

    def show(self, head: int) -> None:
        """From now on the newest block is this one."""
        self._head.value = head

    @property
    def requests(self) -> int:
        """HTTP requests so far; a batch is one."""
        return int(self._counts[0])

    @property
    def calls(self) -> int:
        """JSON-RPC calls so far."""
        return int(self._counts[1])


@contextmanager
def head_node(shape: Shape, endpoints: int, depth: int) -> Iterator[HeadNode]:
    """Serve a chain whose blocks are final, an epoch at a time, `depth` below the head; the process ends with the
    context."""
    context = get_context("spawn")
    head, counts = context.Value("q", 0), context.Array("q", 2)
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(shape, endpoints, depth, head, counts, theirs), daemon=True)
    process.start()
    try:
        ports, first = ours.recv()
        yield HeadNode([f"http://127.0.0.1:{port}" for port in ports], first, head, counts)
    finally:
        process.terminate()
        process.join()


def _serve(shape: Shape, endpoints: int, depth: int, head: Any, counts: Any, pipe: Pipe) -> None:
    blocks = prepare(shape)
    answers = _Answers(blocks, depth, head, counts)
    sockets = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(endpoints)]
    pipe.send(([each.getsockname()[1] for each in sockets], blocks[0].header))
    threads = [Thread(target=_accept, args=(each, answers)) for each in sockets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _accept(server: socket.socket, answers: _Answers) -> None:
    while True:
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Thread(target=_converse, args=(connection, answers), daemon=True).start()


def _converse(connection: socket.socket, answers: _Answers) -> None:
    """Answer requests one after the other for as long as the client keeps its connection."""
    rest = b""
    with connection:
        while True:
            asked, question, rest = read_message(connection, rest)
            if not asked:
                return
            body = answers.answer(question)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            connection.sendall(head + body)


class _Call(msgspec.Struct):
    method: str
    params: list[Any]
    id: int


class _Answers:
    def __init__(self, blocks: list[Prepared], depth: int, head: Any, counts: Any) -> None:
        self.blocks = blocks
        self.by_hash = {block.hash: block for block in blocks}
        self.depth = depth
        self.head = head
        self.counts = counts
        self.decoder = msgspec.json.Decoder(list[_Call] | _Call)

    def answer(self, body: bytes) -> bytes:
        asked = self.decoder.decode(body)
        self.counts[0] += 1
        if isinstance(asked, _Call):
            return self.reply(asked)
        return b"[" + b",".join(map(self.reply, asked)) + b"]"

    def reply(self, call: _Call) -> bytes:
        self.counts[1] += 1
        return b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (call.id, self.result(call))

    def result(self, call: _Call) -> bytes:
        first: Any = call.params[0]
        if call.method == "eth_getBlockByNumber":
            number = self.number(first)
            return self.blocks[number].header if number <= self.head.value else b"null"
        if call.method == "eth_getBlockByHash":
            return self.by_hash[first].header
        if call.method == "eth_getLogs":
            return self.by_hash[first["blockHash"]].logs
        if call.method == "eth_getBlockReceipts":
            return self.by_hash[first].receipts
        raise ValueError(f"the latest loop is not known to ask {call.method}")

    def number(self, block: str) -> int:
        head = int(self.head.value)
        if block == "finalized":
            return max(0, head - self.depth) // EPOCH * EPOCH
        return head if block == "latest" else int(block, 16)
