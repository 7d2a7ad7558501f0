"""What comes over a connection, bounded as a whole: a socket's timeout is for each read, and a byte is a read."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import urllib3

from indexer.rpc.errors import Transport

MOST_LINES = 1 << 18
"""Bytes of lines in a row: a status, headers and interim answers (HTTP 100) before a body, trailers after it."""


class Wire(io.RawIOBase):
    """The bytes of one answer. Raises Transport when more than `most` come, or after `seconds` in all."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, seconds: float, most: int) -> None:
        self._raw = raw
        self._connection = connection
        self._timeout = connection.gettimeout()
        self._seconds = seconds
        self._left = most
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline - time.monotonic()
        if remaining > 0:
            self._connection.settimeout(remaining if self._timeout is None else min(remaining, self._timeout))
            try:
                count: int | None = self._raw.readinto(buffer)
            except TimeoutError:
                if self._timeout is not None and remaining > self._timeout:
                    raise
            else:
                self._left -= count or 0
                if self._left < 0:
                    raise Transport("more bytes than any answer needs")
                return count
        raise Transport(f"answer not complete within {self._seconds:g} s")

    def close(self) -> None:
        self._raw.close()
        super().close()


class Reader(io.BufferedReader):
    """Raises Transport for lines without end, between which nothing else is read."""

    _in_lines = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self._in_lines += len(line)
        if self._in_lines > MOST_LINES:
            raise Transport("more headers than any answer needs")
        return line

    def read(self, size: int | None = -1, /) -> bytes:
        self._in_lines = 0
        return super().read(size)


class Response(http.client.HTTPResponse):
    """An answer that takes at most `seconds`, and comes in at most `most` bytes."""

    seconds: float
    most: int

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = Reader(Wire(self.fp.detach(), sock, self.seconds, self.most))


def bounded(
    pool: type[urllib3.HTTPConnectionPool], seconds: float, most: int
) -> type[urllib3.connection.HTTPConnection]:
    """Return the kind of connection for a pool whose answers take `seconds` and `most` bytes in all."""
    response = type("BoundedResponse", (Response,), {"seconds": seconds, "most": most})
    return type("BoundedConnection", (pool.ConnectionCls,), {"response_class": response})
