"""A node of a made-up chain, a process of its own that is never what a benchmark waits for.

    python -m benchmarks.stand_in --port 8545 --blocks 2000
    python -m benchmarks.stand_in --ceiling

All logs are one buffer of JSON, made before the first question; an answer is a slice of it, given to the socket as it
lies there. `--ceiling` prints how many logs a second a client gets that only reads its socket. In benchmarks: `start`.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.figures import Figure, add_json_option, report
from benchmarks.made_chain import FIRST, Shape
from benchmarks.made_node import COUNTS, NO_CAPS, Caps, Counts, MadeNode, Piece
from benchmarks.raw_http import length_of, read_head, read_message

ROOT = Path(__file__).resolve().parents[1]
NOWHERE = "postgresql://localhost/none"
BUFFER = 4 << 20
"""Bytes that the kernel may hold of an answer, so that a client's pause does not become ours."""
READ = 1 << 20
MOST_PIECES = 512
"""Pieces given to the kernel at once; it takes 1,024."""


class StandIn(NamedTuple):
    """A running stand-in: `urls` are several ports of one process, as if they were endpoints of several providers."""

    urls: tuple[str, ...]
    shape: Shape
    pid: int

    @property
    def url(self) -> str:
        return self.urls[0]

    def counts(self, *, anew: bool = False) -> Counts:
        """What was asked of it since its start, or since it was told to count anew."""
        with Client(self.url) as client:
            body = client.post({"method": COUNTS, "params": [anew]})
            return msgspec.convert(json.loads(body)["result"], Counts)


class Client:
    """One kept connection that does as little with an answer as can be done."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = memoryview(bytearray(READ))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def post(self, request: object) -> bytes:
        """Return the body of an answer."""
        body = bytearray()
        for part in self.parts(request):
            body += part
        return bytes(body)

    def skip(self, request: object) -> int:
        """Read an answer and forget it; its bytes."""
        return sum(map(len, self.parts(request)))

    def parts(self, request: object) -> Iterator[memoryview]:
        """An answer's body as it comes; each part is gone with the next."""
        text = msgspec.json.encode({"jsonrpc": "2.0", "id": 1} | request if isinstance(request, dict) else request)
        self.socket.sendall(b"POST / HTTP/1.1\r\nHost: node\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
        head, rest = read_head(self.socket, b"")
        missing = length_of(head) - len(rest)
        yield memoryview(rest)
        while missing > 0:
            count = self.socket.recv_into(self.buffer, min(missing, READ))
            if not count:
                raise ConnectionError("the stand-in has closed the connection")
            missing -= count
            yield self.buffer[:count]


def serve(node: MadeNode, listener: socket.socket, latency: float, *, gzip: bool) -> None:
    """Take connections for ever, each answered by a thread."""
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        threading.Thread(target=answer, args=(node, connection, latency), kwargs={"gzip": gzip}, daemon=True).start()


def answer(node: MadeNode, connection: socket.socket, latency: float, *, gzip: bool) -> None:
    """Answer one connection's requests, one after the other."""
    with connection:
        rest = b""
        try:
            while True:
                head, body, rest = read_message(connection, rest)
                if not head:
                    return
                packed = gzip and b"gzip" in head.partition(b"accept-encoding:")[2].split(b"\r\n", 1)[0]
                pieces = node.answer(body, gzip=packed)
                if latency:
                    time.sleep(latency)
                send(connection, pieces, packed=packed)
        except ConnectionError:
            return


def send(connection: socket.socket, pieces: Sequence[Piece], *, packed: bool) -> None:
    encoding = b"Content-Encoding: gzip\r\n" if packed else b""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n" % (
        encoding,
        sum(map(len, pieces)),
    )
    left: list[memoryview] = [memoryview(piece) for piece in (head, *pieces) if len(piece)]
    while left:
        sent = connection.sendmsg(left[:MOST_PIECES])
        done = 0
        while done < len(left) and sent >= len(left[done]):
            sent -= len(left[done])
            done += 1
        del left[:done]
        if sent:
            left[0] = left[0][sent:]


@contextmanager
def start(
    shape: Shape,
    caps: Caps = NO_CAPS,
    *,
    endpoints: int = 1,
    latency_ms: float = 0,
    gzip: bool = False,
) -> Iterator[StandIn]:
    """Run a stand-in in a process of its own; it has made its chain when this yields, and ends with the block."""
    options = {"blocks": shape.blocks, "logs-per-block": shape.logs_per_block, "pools": shape.pools}
    options |= {"seed": shape.seed, "endpoints": endpoints}
    command = [sys.executable, "-m", "benchmarks.stand_in", "--watch-stdin"]
    command += [f"--{name}={value}" for name, value in options.items()]
    command += [f"--new-share={shape.new_share}", f"--latency-ms={latency_ms}"]
    command += [f"--max-logs={caps.logs}"] if caps.logs else []
    command += [f"--max-blocks={caps.blocks}"] if caps.blocks else []
    command += ["--gzip"] if gzip else []
    # It asks no database, and none is to be started for it.
    environment = {**os.environ, "DATABASE_URL": os.environ.get("DATABASE_URL") or NOWHERE}
    # Its standard input ends with us, whatever becomes of us, and so does it.
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise RuntimeError("the stand-in node did not start; its error stands above")
            yield StandIn(tuple(line.split()), shape, process.pid)
        finally:
            process.terminate()


def measure_ceiling(node: StandIn, *, clients: int, seconds: float, blocks: int = 100) -> float:
    """Return the logs a second that so many clients get together, which ask for ranges of so many blocks."""
    params = [{"topics": [], "fromBlock": hex(FIRST), "toBlock": hex(FIRST + blocks - 1)}]
    question = {"method": "eth_getLogs", "params": params}
    until = time.perf_counter() + seconds
    asked: list[int] = []

    def ask() -> None:
        count = 0
        with Client(node.url) as client:
            while time.perf_counter() < until:
                client.skip(question)
                count += 1
        asked.append(count)

    with Client(node.url) as client:
        logs = len(json.loads(client.post(question))["result"])
    began = time.perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(asked) * logs / (time.perf_counter() - began)


def add_chain_options(parser: argparse.ArgumentParser) -> None:
    """The options that shape the chain and how its node answers."""
    shape = Shape()
    parser.add_argument("--blocks", type=int, default=shape.blocks)
    parser.add_argument("--logs-per-block", type=int, default=shape.logs_per_block, help="in the mean")
    parser.add_argument("--pools", type=int, default=shape.pools, help="watched ones; as many are not watched")
    parser.add_argument("--new-share", type=float, default=shape.new_share, help="of all logs, 0.5 at most")
    parser.add_argument("--seed", type=int, default=shape.seed)
    parser.add_argument("--latency-ms", type=float, default=0, help="before each answer")
    parser.add_argument("--max-logs", type=int, help="refuse answers with more, as providers do at 10,000")
    parser.add_argument("--max-blocks", type=int, help="refuse longer ranges, as providers do at 2,000")
    parser.add_argument("--gzip", action="store_true", help="pack answers for clients that take them")


def shape_of(options: argparse.Namespace) -> Shape:
    return Shape(options.blocks, options.logs_per_block, options.pools, options.new_share, options.seed)


def main() -> None:
    parser = argparse.ArgumentParser(description="A node of a made-up chain of Transfer logs.")
    add_chain_options(parser)
    add_json_option(parser)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--endpoints", type=int, default=1, help="ports to answer at")
    parser.add_argument("--watch-stdin", action="store_true", help="leave when the standard input ends")
    parser.add_argument("--ceiling", action="store_true", help="measure what it gives a client, and leave")
    options = parser.parse_args()
    caps = Caps(options.max_logs, options.max_blocks)
    if options.ceiling:
        with start(shape_of(options), caps, latency_ms=options.latency_ms, gzip=options.gzip) as node:
            figures = [
                Figure(
                    name=f"stand-in, {clients} clients that only read",
                    unit="logs/s",
                    values=[measure_ceiling(node, clients=clients, seconds=2) for _ in range(3)],
                )
                for clients in (1, 4)
            ]
        report(figures, options.json)
        return
    node_of_chain = MadeNode(shape_of(options), caps)
    ports = [options.port] + [0] * (options.endpoints - 1)
    listeners = [socket.create_server(("127.0.0.1", port), backlog=64) for port in ports]
    print(" ".join(f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in listeners), flush=True)
    for listener in listeners:
        work = (node_of_chain, listener, options.latency_ms / 1000)
        threading.Thread(target=serve, args=work, kwargs={"gzip": options.gzip}, daemon=True).start()
    if options.watch_stdin:
        sys.stdin.read()
        os._exit(0)
    threading.Event().wait()


if __name__ == "__main__":
    main()
