"""Bytes to one URL and back: kept connections, compression, bounds on size and time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote

import urllib3
from isal import isal_zlib

from indexer.rpc.errors import TooLarge, Transport
from indexer.rpc.labels import split_url
from indexer.rpc.wire import MOST_LINES, bounded

CONNECTIONS = 16
CHUNK = 1 << 20
NO_GZIP: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub has an instance of it
GZIP = 31
"""The window of 32 kB, in gzip's own frame."""
LONGEST_ANSWER = 10
"""An answer may take this many timeouts in all, so that one that only drips in ends as well."""

# Its debug lines and warnings print paths, and paths hold API keys.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes | bytearray


class Channel:
    """Posts JSON to one URL. Safe to share between threads.

    `timeout` in seconds is for connecting and for each read, `largest` in bytes for an answer, unpacked. `requests`
    and `bytes_in` (as they came over the wire) count since creation.
    """

    def __init__(self, url: str, label: str, timeout: float, largest: int) -> None:
        self.requests = 0
        self.bytes_in = 0
        self._timeout = timeout
        self._largest = largest
        self._lock = threading.Lock()
        parts = split_url(url, label)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
        self._headers = urllib3.util.make_headers(accept_encoding="gzip", basic_auth=login, user_agent="footprint")
        self._headers["content-type"] = "application/json"
        pool = urllib3.HTTPSConnectionPool if parts.scheme == "https" else urllib3.HTTPConnectionPool
        self._pool = pool(parts.hostname or "", parts.port, timeout=timeout, maxsize=CONNECTIONS)
        self._pool.ConnectionCls = bounded(pool, LONGEST_ANSWER * timeout, largest + CHUNK + MOST_LINES)

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.close()

    def post(self, body: bytes) -> Answer:
        """Return the answer to one request. Raises Transport, and TooLarge for an answer beyond `largest`."""
        try:
            return self._post(body)
        except urllib3.exceptions.NewConnectionError as error:
            # It counts as a timeout in urllib3, though a refused connection is none.
            problem = f"no connection ({type(error).__name__})"
        except urllib3.exceptions.TimeoutError:
            problem = f"no answer within {self._timeout:g} s"
        except (urllib3.exceptions.HTTPError, OSError, ValueError, NO_GZIP, EOFError) as error:
            # ValueError: a chunk of -5 bytes.
            problem = f"connection lost ({type(error).__name__})"
        # Raised outside of `except`: the texts of urllib3 hold the URL, and a chained traceback would print them.
        raise Transport(problem)

    def _post(self, body: bytes) -> Answer:
        with self._lock:
            self.requests += 1
        response = self._pool.urlopen(
            "POST",
            self._target,
            body=body,
            headers=self._headers,
            retries=False,
            preload_content=False,
        )
        chunks = bytearray()
        is_gzip = response.headers.get("content-encoding", "").strip().lower() == "gzip"
        parts = response.stream(CHUNK, decode_content=not is_gzip)
        try:
            for chunk in _unpack(parts) if is_gzip else parts:
                chunks += chunk
                if len(chunks) > self._largest:
                    raise TooLarge(f"an answer of more than {self._largest:,} bytes")
        finally:
            with self._lock:
                self.bytes_in += response.tell()
            # A connection whose answer was read to its end is back in the pool already; any other is of no use.
            response.close()
        return Answer(response.status, response.headers, chunks)


def _unpack(parts: Iterable[bytes]) -> Iterator[bytes]:
    """What gzip has packed, in pieces of CHUNK bytes at most; by ISA-L, in little more than half of zlib's time.

    Raises NO_GZIP for what is no gzip, EOFError where it ends too early.
    """
    gzip = isal_zlib.decompressobj(GZIP)
    for part in parts:
        is_full = False
        while part or is_full:
            if gzip.eof and part:  # several files may follow each other (RFC 1952)
                gzip = isal_zlib.decompressobj(GZIP)
            unpacked = gzip.decompress(part, CHUNK)
            is_full = len(unpacked) == CHUNK
            part = gzip.unused_data if gzip.eof else gzip.unconsumed_tail
            yield unpacked
    if not gzip.eof:
        raise EOFError("the packed answer ends too early")
