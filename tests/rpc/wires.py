"""A server that sends any bytes at all, where an HTTP server of somebody's making would not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Talk = Callable[[socket.socket], None]


class Wire:
    """Reads each request, lets `talk` write to the connection, and closes it."""

    def __init__(self) -> None:
        self.talk: Talk = lambda connection: None
        self.stopping = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._server.accept()
            with connection:
                if self.stopping.is_set():
                    return
                try:
                    read_request(connection)
                    self.talk(connection)
                    # Closed with something unread, a connection is reset, and what was sent may be lost with it.
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    continue  # the client has seen enough

    def stop(self) -> None:
        self.stopping.set()
        socket.create_connection(self._server.getsockname()).close()
        self._thread.join()
        self._server.close()


@contextmanager
def wire() -> Iterator[Wire]:
    made = Wire()
    try:
        yield made
    finally:
        made.stop()


def read_request(connection: socket.socket) -> bytes:
    head, _, body = receive_until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
    length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))[15:])
    while len(body) < length:
        body += connection.recv(65536)
    return body


def receive_until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received:
        chunk = connection.recv(65536)
        if not chunk:
            raise OSError("the client has gone")
        received += chunk
    return received


def head(*headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode()


def sized(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer with its length."""
    return head(f"content-length: {len(body)}", *headers, status=status) + body


def sends(*parts: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return talk


def repeats(
    start: bytes, part: bytes, times: int, end: bytes = b"", *, pause: Callable[[], object] = lambda: None
) -> Talk:
    """The start once, then the part over and over, then the end."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(times):
            pause()
            connection.sendall(part)
        connection.sendall(end)

    return talk
