"""Generated answers: HTTP that is none, JSON cut and joined at random, envelopes of any shape."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.rpc import Endpoint, Header, Log, Node, RpcError

from .samples import header_json, header_of, hex_hash, log_json, receipt_json
from .wires import Wire, head, sends, sized, wire

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
NAMES = ("jsonrpc", "id", "result", "error", "code", "message", "data")
REPLIES = st.dictionaries(st.sampled_from(NAMES), JSON | st.integers(0, 4)) | JSON
STATUSES = st.sampled_from((200, 201, 302, 400, 401, 403, 413, 429, 500, 503))
HEADERS = st.lists(
    st.sampled_from(
        (
            "content-encoding: gzip",
            "content-encoding: deflate, gzip",
            "transfer-encoding: chunked",
            "transfer-encoding: gzip, chunked",
            "content-length: 7",
            "content-length: 99999999999999999999999",
            "content-length: -1",
            "connection: close",
            "location: http://[::1",
            "retry-after: Thu, 32 Nov 9999 99:99:99 GMT",
            "retry-after: 999999999999999999999",
            "set-cookie: a=b",
            " folded",
            "no colon",
            ": no name",
            "date: \xff",
        )
    ),
    max_size=4,
)
GOOD = json.dumps({"jsonrpc": "2.0", "id": 1, "result": [log_json(16, 2)]}).encode()


@pytest.fixture(scope="module")
def server() -> Iterator[Wire]:
    with wire() as made:
        yield made


def ask(server: Wire) -> None:
    """A call and a batch: each returns or raises an RpcError that can be shown, and nothing else."""
    endpoint = Endpoint(server.url, "local-1", timeout=2.0, largest_answer=1 << 20)
    shown = [
        error_of(lambda: endpoint.call("eth_getLogs", [{}], list[Log])),
        error_of(lambda: endpoint.batch("eth_getLogs", [[{}], [{}]], list[Log])),
    ]
    endpoint.close()
    assert all(text == "" or (text.startswith("local-1 eth_getLogs: ") and text.isprintable()) for text in shown), shown


def error_of(question: Callable[[], object]) -> str:
    try:
        question()
    except RpcError as error:
        return str(error)
    return ""


@given(st.binary(max_size=200))
def test_any_bytes_instead_of_http(server: Wire, noise: bytes) -> None:
    server.talk = sends(noise)
    ask(server)


@given(HEADERS, st.binary(max_size=100) | st.just(GOOD), STATUSES)
def test_any_headers(server: Wire, headers: list[str], body: bytes, status: int) -> None:
    server.talk = sends(head(*headers, status=f"{status} Whatever"), body)
    ask(server)


@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.binary(max_size=4), STATUSES)
def test_json_cut_and_joined_at_random(server: Wire, end: int, start: int, between: bytes, status: int) -> None:
    server.talk = sends(sized(GOOD[:end] + between + GOOD[start:], status=f"{status} Whatever"))
    ask(server)


@given(REPLIES | st.lists(REPLIES, max_size=3), STATUSES)
def test_an_envelope_of_any_shape(server: Wire, reply: Any, status: int) -> None:
    server.talk = sends(sized(json.dumps(reply).encode(), status=f"{status} Whatever"))
    ask(server)


LOGS = st.lists(
    st.dictionaries(st.sampled_from(sorted(log_json(16, 2))), JSON).map(lambda odd: log_json(16, 2) | odd) | JSON
)
RECEIPTS = st.lists(LOGS.map(lambda logs: receipt_json(16) | {"logs": logs}) | JSON, max_size=3)
HEADER = st.dictionaries(st.sampled_from(sorted(header_json(16))), JSON).map(lambda odd: header_json(16) | odd) | JSON


@given(LOGS, RECEIPTS, HEADER, JSON)
@settings(max_examples=50)
def test_results_of_any_shape(server: Wire, logs: Any, receipts: Any, header: Any, number: Any) -> None:
    """A node gives checked answers or an RpcError: what it gives is of the block asked for."""
    endpoint = Endpoint(server.url, "local-1", timeout=2.0)
    node = Node(endpoint, attempts=1)
    asked = header_of(16)
    questions: tuple[tuple[object, Callable[[], bool]], ...] = (
        (logs, lambda: {log.block_hash for log in node.block_logs(asked, [])} <= {hex_hash(16)}),
        (logs, lambda: {log.block_number for log in node.range_logs(16, 16, None, [])} <= {16}),
        (receipts, lambda: {log.block_hash for log in node.receipts_logs(asked)} <= {hex_hash(16)}),
        (header, lambda: is_of(node.header(16), range(16, 17))),
        (header, lambda: is_of(node.header("latest"), range(2**63))),
        (number, lambda: node.head() in range(2**63)),
    )
    for result, question in questions:
        reply = json.dumps({"jsonrpc": "2.0", "id": endpoint.requests + 1, "result": result}).encode()
        server.talk = sends(sized(reply))
        try:
            assert question(), result
        except RpcError:
            continue
    endpoint.close()


def is_of(header: Header | None, numbers: range) -> bool:
    return header is None or header.number in numbers
