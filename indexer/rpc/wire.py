"""What comes over a connection, bounded as a whole: a socket's timeout is for each read, and a byte is a read."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import urllib3

from indexer.rpc.errors import Transport

LONGEST_HEAD = 1 << 18
"""Bytes before the body, interim answers (HTTP 100) counted in."""


class Wire(io.RawIOBase):
    """The bytes of one answer. Raises Transport when more than `left` come, or after `seconds` in all."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, seconds: float) -> None:
        self.left = LONGEST_HEAD
        self._raw = raw
        self._connection = connection
        self._timeout = connection.gettimeout()
        self._seconds = seconds
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
                self.left -= count or 0
                if self.left < 0:
                    raise Transport("more bytes than any answer needs")
                return count
        raise Transport(f"answer not complete within {self._seconds:g} s")

    def close(self) -> None:
        self._raw.close()
        super().close()


class Response(http.client.HTTPResponse):
    """An answer whose head and body are bounded."""

    seconds: float
    most: int

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._wire = Wire(self.fp.detach(), sock, self.seconds)
        self.fp = io.BufferedReader(self._wire)

    def begin(self) -> None:
        super().begin()
        self._wire.left = self.most


def bounded(
    pool: type[urllib3.HTTPConnectionPool], seconds: float, most: int
) -> type[urllib3.connection.HTTPConnection]:
    """Return the kind of connection for a pool whose answers take `seconds` in all and hold `most` bytes each."""
    response = type("BoundedResponse", (Response,), {"seconds": seconds, "most": most})
    return type("BoundedConnection", (pool.ConnectionCls,), {"response_class": response})
