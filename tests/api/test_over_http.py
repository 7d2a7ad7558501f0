"""What a server of its own does with requests that the test client cannot send."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from tests.positions.lookup_rows import USER_EIP55, add_job, add_log, contract, start
from tests.processes import PATIENCE, web_address

LOOKUP = "/api/v1/addresses/lookup"
ADDRESS = f"/api/v1/addresses/{USER_EIP55}"
QUESTION = json.dumps({"addresses": [USER_EIP55]}).encode()


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Server(NamedTuple):
    port: int
    log: Path

    def send(self, text: bytes) -> Answer:
        """Send these bytes over a connection of their own, and read the answer until it is closed or complete."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall(text)
            with connection.makefile("rb") as lines:
                status = int(lines.readline().split()[1])
                headers = {}
                while (line := lines.readline().strip()) != b"":
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                return Answer(status, headers, lines.read())


@pytest.fixture
def server(chains: list[Chain], connection: Connection, tmp_path: Path) -> Iterator[Server]:
    add_log(connection, add_job(connection, contract(1)), 5)
    start(connection)
    log = tmp_path / "web.log"
    with web_address(log) as address:
        yield Server(int(address.rpartition(":")[2]), log)


def head(method: str, path: str, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


def test_a_server_answers_them_all(server: Server) -> None:
    """One server for all of it, since starting one takes seconds."""
    whole = server.send(head("GET", ADDRESS))
    assert (whole.status, json.loads(whole.body)["address"]) == (200, USER_EIP55)

    # HEAD: the same without the body, on a connection that stays in step.
    only_head = server.send(head("HEAD", ADDRESS))
    assert (only_head.status, only_head.body) == (200, b"")
    assert only_head.headers["etag"] == whole.headers["etag"]
    assert only_head.headers["content-type"] == "application/json"

    unchanged = server.send(head("GET", ADDRESS, f"If-None-Match: {whole.headers['etag']}"))
    assert (unchanged.status, unchanged.body) == (304, b"")
    options = server.send(head("OPTIONS", ADDRESS))
    assert (options.status, options.headers["allow"], options.body) == (204, "GET, HEAD, OPTIONS", b"")

    # A body in chunks is read as one with a length is.
    halves = chunk(QUESTION[:20]) + chunk(QUESTION[20:]) + chunk(b"")
    in_chunks = server.send(head("POST", LOOKUP, JSON, CHUNKED) + halves)
    with_length = server.send(head("POST", LOOKUP, JSON, f"Content-Length: {len(QUESTION)}") + QUESTION)
    assert in_chunks.status == with_length.status == 200
    assert in_chunks.body == with_length.body

    # Without end, it is refused at its limit; a length is believed before a byte has come.
    assert server.send(head("POST", LOOKUP, JSON, CHUNKED) + chunk(b"[" * 1_100_000)[:-2]).status == 413
    announced = server.send(head("POST", LOOKUP, JSON, "Content-Length: 99999999999"))
    assert (announced.status, announced.headers["content-type"]) == (413, "application/problem+json")
    assert server.send(head("POST", LOOKUP, JSON, CHUNKED) + b"zz\r\n").status == 400

    for path in (ADDRESS + "%00", "/user-pools/%ff%fe", "/api/v1/addresses/%2e%2e%2f", ADDRESS + "?" + "a=1&" * 900):
        assert server.send(head("GET", path)).status in (400, 404), path
    assert "0xd8da" not in server.log.read_text().lower()
