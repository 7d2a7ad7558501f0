"""How fast lookups are: one address and a thousand, in process and over HTTP.

    python -m benchmarks.lookups [--chains 10] [--addresses 200000] [--seconds 5]

It makes a database of its own beside the configured one (DATABASE_URL, or the embedded server's), with as many chains,
fills them, measures, prints a table and removes the database; about a minute. Every address has three pools on each of
a fifth of the chains; every tenth job stores metadata. Addresses are drawn at random. In process, a request goes
through the whole of Django without a server. HTTP is gunicorn with as many processes as there are cores and two threads
each, on loopback, asked by four connections kept open, whose own work is on the same cores.

requests/s   of all connections together
addresses/s  addresses answered in a second
p50, p99     milliseconds of one request
CPU us       microseconds of this process's CPU per request, in process only
"""

import argparse
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import django
import msgspec
from django.core.handlers.wsgi import WSGIHandler
from psycopg.conninfo import make_conninfo

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "footprint_benchmark"
ONE, MANY, COMPATIBLE = "/api/v1/addresses/", "/api/v1/addresses/lookup", "/user-pools/"
BATCH = 1000
CONNECTIONS = 4

# A job is a contract; every tenth stores metadata, and all are covered.
JOBS = """
INSERT INTO jobs (contract_address, topic0, user_topic, metadata_argument, enabled, retired, floor, live_from, covered,
                  complete, unreadable, attempts)
SELECT substr(sha256(('pool' || n)::bytea), 1, 20), '\\x00', 2, CASE WHEN n % 10 = 0 THEN 'tokenId' END, true, false, 0,
       0, '{}', true, 0, 0
FROM generate_series(1, 2000) AS n
"""
LABELS = "INSERT INTO job_labels (job_id, source, protocol, product) SELECT id, 'list', 'protocol', 'pool' FROM jobs"
# The numbers of a chain's users are those that leave the same rest as the chain's when divided by five.
LOGS = """
INSERT INTO logs (address, job_id, first_block)
SELECT substr(sha256(n::text::bytea), 1, 20), (SELECT min(id) FROM jobs) + (n / 5 * 7 + pool * 611) %% 2000, n
FROM generate_series(%(chain)s::int %% 5, %(addresses)s::int - 1, 5) AS n, generate_series(0, 2) AS pool
ORDER BY 1, 2
"""
METADATA = """
INSERT INTO log_metadata (address, job_id, key, value_sha256, value, first_block)
SELECT address, job_id, 'tokenId', sha256(first_block::text::bytea), first_block::text, first_block
FROM logs JOIN jobs ON jobs.id = job_id WHERE metadata_argument IS NOT NULL
"""


class Request(NamedTuple):
    """One request; `addresses` is the number it asks about."""

    method: str
    path: str
    body: bytes = b""
    tag: str = ""
    addresses: int = 1


class Figures(NamedTuple):
    """Seconds: of each request, of all together, and of this process's CPU."""

    taken: list[float]
    whole: float
    cpu: float


def user(number: int) -> str:
    return "0x" + sha256(str(number).encode()).digest()[:20].hex()


@contextmanager
def new_database(chains: int, addresses: int) -> Iterator[None]:
    """The default database is a new one with as many chains, removed at the end."""
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    connection.settings_dict["TEST"]["NAME"] = DATABASE
    made = setup_databases(verbosity=0, interactive=False, aliases={"default": None})
    try:
        for number in range(chains):
            fill(number, addresses)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        yield
    finally:
        teardown_databases(made, verbosity=0)


def fill(number: int, addresses: int) -> None:
    from indexer.chains.connections import connect
    from indexer.chains.models import Chain, schema_of
    from indexer.positions.protocol.coverage import refresh_coverage
    from indexer.positions.protocol.head import start_chain
    from indexer.positions.protocol.state import note_head
    from indexer.rpc import Header

    slug = f"benchmark_{number}"
    chain = Chain(schema_name=schema_of(slug), slug=slug, chain_id=900_000 + number)
    chain.save(verbosity=0)
    with connect(chain) as connection:
        connection.execute(JOBS)
        connection.execute(LABELS)
        connection.execute(LOGS, {"chain": number, "addresses": addresses})
        connection.execute(METADATA)
        start_chain(connection, Header(20_000_000, bytes(32), bytes(32), 1_700_000_000))
        note_head(connection, 20_000_001)
        with connection.transaction(), connection.cursor() as cur:
            refresh_coverage(cur)


def ask_one(users: random.Random, addresses: int) -> Request:
    return Request("GET", ONE + user(users.randrange(addresses)))


def ask_many(users: random.Random, addresses: int) -> Request:
    asked = [user(users.randrange(addresses)) for _ in range(BATCH)]
    return Request("POST", MANY, msgspec.json.encode({"addresses": asked}), addresses=BATCH)


def ask_compatible(users: random.Random, addresses: int) -> Request:
    return Request("GET", COMPATIBLE + user(users.randrange(addresses)))


class InProcess:
    """Django without a server."""

    def __init__(self) -> None:
        self.handler = WSGIHandler()
        self.status = ""
        self.headers: dict[str, str] = {}

    def send(self, request: Request) -> bytes:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": "",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(request.body)),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "HTTP_ACCEPT": "*/*",
            "wsgi.input": BytesIO(request.body),
            "wsgi.url_scheme": "http",
        }
        if request.tag:
            environ["HTTP_IF_NONE_MATCH"] = request.tag
        response = self.handler(environ, self.start)
        with closing(response):
            return b"".join(response)

    def start(self, status: str, headers: list[tuple[str, str]], error: object = None) -> Callable[[bytes], object]:
        self.status, self.headers = status, dict(headers)
        return bytes


class OverHttp:
    """One connection kept open, as cheap for this process as can be."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.status = ""

    def send(self, request: Request) -> bytes:
        head = f"{request.method} {request.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        self.socket.sendall(f"{head}Content-Length: {len(request.body)}\r\n\r\n".encode() + request.body)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.receive()
        head, _, body = data.decode("latin-1").partition("\r\n\r\n")
        self.status, _, rest = head.partition("\r\n")
        length = next(int(line.split(":")[1]) for line in rest.split("\r\n") if line.lower().startswith("content-le"))
        parts, missing = [body.encode("latin-1")], length - len(body)
        while missing > 0:
            parts.append(self.receive())
            missing -= len(parts[-1])
        return b"".join(parts)

    def receive(self) -> bytes:
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server has closed the connection")
        return data


def measure(asker: InProcess | OverHttp, make: Callable[[], Request], seconds: float) -> Figures:
    """Ask for that long, once plans are made and caches filled."""
    for _ in range(15):
        asker.send(make())
    taken: list[float] = []
    cpu = time.process_time()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        request = make()
        sent = time.perf_counter()
        asker.send(request)
        taken.append(time.perf_counter() - sent)
        if " 200" not in f" {asker.status}" and " 304" not in f" {asker.status}":
            raise RuntimeError(f"{request.path} answered {asker.status}")
    return Figures(taken, sum(taken), time.process_time() - cpu)


def measure_over_http(port: int, make: Callable[[], Request], seconds: float) -> Figures:
    """The same by several connections at once; the whole time is what passes on the clock."""
    figures: list[Figures] = []
    threads = [
        threading.Thread(target=lambda: figures.append(measure(OverHttp(port), make, seconds)))
        for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(figures) < CONNECTIONS:
        raise RuntimeError("a connection failed; its error stands above")
    return Figures([each for one in figures for each in one.taken], seconds, 0.0)


@contextmanager
def serve() -> Iterator[int]:
    """gunicorn on the benchmark's database; its port."""
    from django.db import connection

    given = connection.get_connection_params()
    url = make_conninfo(**{key: given[key] for key in ("dbname", "user", "password", "host", "port") if key in given})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    options = ["-k", "gthread", "--workers", str(os.cpu_count()), "--threads", "2", "--keep-alive", "60"]
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", *options, "--bind", f"127.0.0.1:{port}"]
    command += ["--log-level", "warning"]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "DATABASE_URL": url}) as server:
        try:
            wait_for(port)
            yield port
        finally:
            server.terminate()


def wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("gunicorn does not listen after 30 seconds")


def show(name: str, figures: Figures, addresses: int, *, in_process: bool) -> None:
    cuts = quantiles(figures.taken, n=100)
    rate = len(figures.taken) / figures.whole
    cpu = f"{figures.cpu / len(figures.taken) * 1e6:>9,.0f}" if in_process else ""
    columns = f"{rate:>12,.0f}{rate * addresses:>13,.0f}{cuts[49] * 1000:>9.2f}{cuts[98] * 1000:>9.2f}{cpu}"
    print(f"{name:<34}{columns}", flush=True)


def run(addresses: int, seconds: float) -> None:
    users = random.Random(1)
    inside = InProcess()
    inside.send(ask_one(users, addresses))
    tag = inside.headers["ETag"]
    print(f"{'':<34}{'requests/s':>12}{'addresses/s':>13}{'p50':>9}{'p99':>9}{'CPU us':>9}")
    kinds: dict[str, Callable[[], Request]] = {
        "one address": lambda: ask_one(users, addresses),
        "one address, 304": lambda: ask_one(users, addresses)._replace(tag=tag),
        "/user-pools": lambda: ask_compatible(users, addresses),
        f"{BATCH:,} addresses": lambda: ask_many(users, addresses),
    }
    for name, make in kinds.items():
        show(f"in process, {name}", measure(inside, make, seconds), make().addresses, in_process=True)
    with serve() as port:
        for name, make in kinds.items():
            if "304" not in name:
                figures = measure_over_http(port, make, seconds)
                show(f"HTTP, {name}", figures, make().addresses, in_process=False)


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast lookups are.")
    parser.add_argument("--chains", type=int, default=10)
    parser.add_argument("--addresses", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=5, help="for each line of the table")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    with new_database(options.chains, options.addresses):
        run(options.addresses, options.seconds)


if __name__ == "__main__":
    main()
