"""Whatever an endpoint sends, it ends in an RpcError or in the answer, soon, and in a few times the bound's memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator

import pytest

from indexer.rpc import Endpoint, RpcError, TooLarge, Transport
from indexer.rpc.client import LARGEST_ANSWER

from .hostile import CHUNKED, ERROR, LARGEST, MB, OPEN, Hostile, filled, table
from .wires import Wire, head, repeats, wire

SECONDS = 60.0
"""Far more than any takes, on a machine that does other things as well."""


@pytest.fixture(scope="module")
def server() -> Iterator[Wire]:
    with wire() as made:
        yield made


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("hostile", table(), ids=lambda hostile: hostile.name)
def test_a_hostile_answer_ends_within_bounds(hostile: Hostile, server: Wire, traced: None) -> None:
    server.talk = hostile.talk
    endpoint = Endpoint(server.url, "local-1", timeout=5.0, largest_answer=LARGEST)
    began = time.monotonic()
    assert read(hostile, endpoint) == hostile.means
    assert time.monotonic() - began < SECONDS
    # An answer of logs is three times as large in memory as on the wire; everything else is its bytes.
    assert tracemalloc.get_traced_memory()[1] < 4 * LARGEST
    endpoint.close()


def read(hostile: Hostile, endpoint: Endpoint) -> object:
    """The class of the error that came, or the answer; of logs, how many."""
    try:
        if hostile.batch:
            return endpoint.batch("eth_getLogs", [[{}]] * hostile.batch, hostile.result)
        logs = endpoint.call("eth_getLogs", [{}], hostile.result)
        return len(logs) if logs else logs
    except RpcError as error:
        return type(error)


@pytest.mark.parametrize("start", [OPEN + b'"', ERROR + b'{"message":"', b"<html>"], ids=["result", "error", "page"])
def test_a_stream_of_300_mb_is_cut_at_the_bound(start: bytes, server: Wire, traced: None) -> None:
    server.talk = repeats(head() + start, b"a" * MB, 300)
    endpoint = Endpoint(server.url, "local-1", timeout=5.0)
    with pytest.raises(TooLarge, match=f"{LARGEST_ANSWER:,}"):
        endpoint.call("eth_getLogs", [{}], str)
    assert tracemalloc.get_traced_memory()[1] < LARGEST_ANSWER * 1.3
    endpoint.close()


def test_50_mb_of_an_errors_data_cost_no_more_than_their_bytes(server: Wire, traced: None) -> None:
    told = ERROR + b'{"code":-32000,"message":"exceed maximum block range: 50","data":['
    server.talk = filled(told, b"{},", 50 * MB, b"{}]}}")
    endpoint = Endpoint(server.url, "local-1", timeout=5.0)
    with pytest.raises(TooLarge) as caught:
        endpoint.call("eth_getLogs", [{}], list[str])
    assert caught.value.limit_blocks == 50
    assert tracemalloc.get_traced_memory()[1] < 50 * MB * 1.3
    endpoint.close()


def test_a_small_answer_that_is_too_large_is_no_reason_to_ask_for_less(server: Wire) -> None:
    server.talk = repeats(head() + OPEN + b'"', b"a" * MB, 40)
    endpoint = Endpoint(server.url, "local-1", timeout=5.0, largest_answer=LARGEST)
    with pytest.raises(Transport, match="more than"):
        endpoint.call("eth_blockNumber", [], str)
    endpoint.close()


DRIPS: dict[str, tuple[bytes, bytes]] = {
    "a body of known length": (head("content-length: 100000") + OPEN, b" "),
    "a body without a length": (head() + OPEN, b" "),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "one chunk": (CHUNKED + b"10000\r\n", b" "),
    "a chunk's size": (CHUNKED, b"0"),
    "trailers": (CHUNKED + b"0\r\n", b"a: b\r\n"),
    "a status": (b"HTTP/1.1 200 ", b"O"),
    "a header": (b"HTTP/1.1 200 OK\r\na: ", b"b"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("name", DRIPS)
def test_whatever_drips_in_ends(name: str) -> None:
    start, drop = DRIPS[name]
    with wire() as server:
        server.talk = repeats(start, drop, 10_000, pause=lambda: server.stopping.wait(0.005))
        endpoint = Endpoint(server.url, "local-1", timeout=0.05)
        began = time.monotonic()
        # On a busy machine a drop may come late.
        with pytest.raises(Transport, match=r"not complete|no answer within"):
            endpoint.call("eth_getLogs", [{}], list[str])
        assert time.monotonic() - began < SECONDS
        endpoint.close()
