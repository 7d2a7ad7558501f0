"""Clients that begin a request and fall silent hold the server's threads for a while, and not for ever."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from indexer.chains.models import Chain
from tests.processes import PATIENCE, read_page, web_address

BEGUN = (
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n",
    b"POST /api/v1/addresses/lookup HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100\r\n\r\n{",
)


@pytest.mark.slow
def test_as_many_silent_clients_as_threads_are_left_in_time(chains: list[Chain], tmp_path: Path) -> None:
    with web_address(tmp_path / "web.log") as address, ExitStack() as clients:
        port = int(address.rpartition(":")[2])
        begun = [clients.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE)) for _ in BEGUN]
        for client, start in zip(begun, BEGUN, strict=True):
            client.sendall(start)
        # Both threads wait now; the next is answered once they have given up.
        assert "alive" in read_page(address + "/health/live")
        said = [client.recv(100) for client in begun]
        # Closed without a word in the middle of its headers, told so in the middle of its body.
        assert said[0] == b""
        assert said[1].startswith(b"HTTP/1.1 400")
