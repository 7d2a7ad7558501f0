"""gunicorn as a deployment runs it, on cores of its own, and who asks it for lookups over kept connections."""

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

from psycopg.conninfo import make_conninfo

from benchmarks.raw_http import length_of, read_head, receive

ROOT = Path(__file__).resolve().parent.parent
WARMING = 40
"""Requests of each connection before the measured ones: plans are made and jobs read."""


class Load(NamedTuple):
    """Seconds of each request, of all together on the clock, of the server's CPU and of the askers'."""

    taken: list[float]
    whole: float
    cpu: float
    asking: float

    @property
    def rate(self) -> float:
        return len(self.taken) / self.whole

    @property
    def cost(self) -> float:
        """Milliseconds of the server's CPU, the database's share included, for one request."""
        return self.cpu / len(self.taken) * 1000


class Asker:
    """One connection kept open; requests are bytes made in advance, so that asking costs next to nothing."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> int:
        """The length of the answer. Raises RuntimeError where it is no 200."""
        try:
            head, body = self.ask(request)
        except ConnectionError:
            # gunicorn replaces a worker after so many requests; any client asks again when a kept connection has ended.
            self.socket.close()
            self.connect()
            head, body = self.ask(request)
        if b" 200 " not in head[:16]:
            raise RuntimeError(f"answered {head[:200]!r}")
        length = length_of(head)
        missing = length - len(body)
        while missing > 0:
            missing -= len(receive(self.socket))
        return length

    def ask(self, request: bytes) -> tuple[bytes, bytes]:
        self.socket.sendall(request)
        head, body = read_head(self.socket, b"")
        if not head:
            raise ConnectionError("the server has closed the connection")
        return head, body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def load(
    server: "Server", requests: Sequence[bytes], seconds: float, *, connections: int, warming: int = WARMING
) -> Load:
    """Ask by so many connections at once for that long, each the requests in turn from another one on."""
    results: list[list[float]] = []
    ready = threading.Barrier(connections + 1)

    def ask(first: int) -> None:
        asker, taken, at = Asker(server.port), [], first
        for _ in range(warming):
            asker.send(requests[at % len(requests)])
            at += 1
        ready.wait()
        began = time.perf_counter()
        while (sent := time.perf_counter()) - began < seconds:
            asker.send(requests[at % len(requests)])
            taken.append(time.perf_counter() - sent)
            at += 1
        results.append(taken)

    step = len(requests) // connections
    threads = [threading.Thread(target=ask, args=(number * step,), daemon=True) for number in range(connections)]
    for thread in threads:
        thread.start()
    ready.wait(timeout=120)
    cpu = server.cpu()
    asking, began = time.process_time(), time.perf_counter()
    for thread in threads:
        thread.join()
    whole, asking, cpu = time.perf_counter() - began, time.process_time() - asking, server.cpu() - cpu
    if len(results) < connections:
        raise RuntimeError("a connection failed; its error stands above")
    return Load([each for taken in results for each in taken], whole, cpu, asking)


class Server(NamedTuple):
    """A gunicorn that runs, by its main process."""

    process: int
    port: int

    def workers(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()]

    def sessions(self) -> list[int]:
        """The processes of its sessions at the database; none here where that is another machine's."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'footprint web'")
            return [pid for (pid,) in cursor.fetchall() if Path(f"/proc/{pid}").exists()]

    def keep_sessions(self) -> None:
        """On the cores on which the server is; to be called once they are there."""
        for pid in self.sessions():
            os.sched_setaffinity(pid, os.sched_getaffinity(self.process))

    def cpu(self) -> float:
        """Seconds of CPU that its workers and their sessions have taken so far."""
        tasks = [task for pid in (*self.workers(), *self.sessions()) for task in Path(f"/proc/{pid}/task").iterdir()]
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


@contextmanager
def serve(processes: int, cores: set[int] | None = None) -> Iterator[Server]:
    """gunicorn by config/gunicorn.py on the benchmark's database, on these cores or on all; who asks has the rest."""
    from django.db import connection

    given = connection.get_connection_params()
    url = make_conninfo(**{key: given[key] for key in ("dbname", "user", "password", "host", "port") if key in given})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = {"DATABASE_URL": url, "WEB_BIND": f"127.0.0.1:{port}", "WEB_PROCESSES": str(processes)}
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
    every = os.sched_getaffinity(0)
    # A process is born on the cores of the one that starts it.
    os.sched_setaffinity(0, cores or every)
    try:
        server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    finally:
        os.sched_setaffinity(0, every - (cores or set()) or every)
    with server:
        try:
            wait_for(port)
            yield Server(server.pid, port)
        finally:
            server.terminate()
            os.sched_setaffinity(0, every)


def wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("gunicorn does not listen after 60 seconds")
