"""One endpoint over a real socket: what comes back is typed, bounded and matched to what was asked."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from indexer.rpc import Endpoint, Log, Refused, Throttled, TooLarge, Transport
from indexer.rpc.channel import CHUNK

from .samples import log_json
from .scripted import Answer, ScriptedNode, Sent, each, giving, refusing, sending


def test_a_result_comes_typed(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    scripted.always = giving([log_json(16, 2)])
    logs = endpoint.call("eth_getLogs", [{}], list[Log])
    assert [(log.block_number, log.log_index) for log in logs] == [(16, 2)]
    assert scripted.asked[0] == {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [{}]}


def test_null_is_a_result_only_where_none_is_allowed(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    scripted.always = giving(None)
    assert endpoint.call("eth_getBlockByNumber", ["0x1", False], dict[str, Any] | None) is None
    with pytest.raises(Transport):
        endpoint.call("eth_getLogs", [{}], list[Log])


BROKEN: dict[str, Answer] = {
    "null logs": giving([None]),
    "an object for a list": giving({}),
    "a truncated body": sending(b'{"jsonrpc":"2.0","id":1,"result":[', cut=100),
    "truncated JSON": sending(b'{"jsonrpc":"2.0","id":1,"result":['),
    "HTML with HTTP 200": sending(b"<html>Too many requests</html>"),
    "HTML with HTTP 502": sending(b"<html>bad gateway</html>", 502),
    "HTML with HTTP 418": sending(b"<html>a teapot</html>", 418),
    "an empty body": sending(b""),
    "a redirect": sending(b"", 302, location="/elsewhere"),
    "neither result nor error": sending(b'{"jsonrpc":"2.0","id":1}'),
    "an empty object": sending(b"{}"),
    "a list for one call": sending(b"[]"),
    "a wrong id": sending(b'{"jsonrpc":"2.0","id":77,"result":[]}'),
    "an id of another type": sending(b'{"jsonrpc":"2.0","id":"1","result":[]}'),
    "no UTF-8": sending(b'{"jsonrpc":"2.0","id":1,"result":["\xff\xfe"]}'),
    "a deep result": sending(b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "a deep error": sending(b'{"jsonrpc":"2.0","id":1,"error":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "broken compression": sending(b"\x1f\x8bgarbage", content_encoding="gzip"),
    "HTTP 500 with a result": lambda r: Sent(json.dumps({"id": r["id"], "result": []}).encode(), 500),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_transport(name: str, scripted: ScriptedNode, endpoint: Endpoint) -> None:
    scripted.always = BROKEN[name]
    with pytest.raises(Transport):
        endpoint.call("eth_getLogs", [{}], list[Log])
    assert (endpoint.errors, len(scripted.asked)) == (1, 1)


@pytest.mark.parametrize("error", [b'"some text"', b"{}", b'{"code":"odd","message":["odd"]}', b"true"])
def test_an_error_of_any_shape_is_no_success(error: bytes, scripted: ScriptedNode, endpoint: Endpoint) -> None:
    scripted.always = sending(b'{"jsonrpc":"2.0","id":1,"result":[],"error":' + error + b"}")
    with pytest.raises(Refused):
        endpoint.call("eth_getLogs", [{}], list[Log])


def test_a_null_error_beside_a_result_is_none(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    scripted.always = sending(b'{"jsonrpc":"2.0","id":1,"result":[],"error":null}')
    assert endpoint.call("eth_getLogs", [{}], list[Log]) == []


def test_an_error_says_endpoint_method_text_and_code(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    scripted.always = refusing(-32000, "something new")
    with pytest.raises(Refused) as caught:
        endpoint.call("eth_getLogs", [{}], list[Log])
    assert str(caught.value) == "local-1 eth_getLogs: something new (code -32000)"


def test_a_throttled_answer_carries_its_wait(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    scripted.always = sending(b"slow down", 429, retry_after="4")
    with pytest.raises(Throttled) as caught:
        endpoint.call("eth_blockNumber", [], str)
    assert caught.value.retry_after == 4.0


def test_an_answer_beyond_the_bound_is_too_large_even_compressed(scripted: ScriptedNode) -> None:
    endpoint = Endpoint(scripted.url, "local-1", largest_answer=100_000)
    for answer in (
        sending(b" " * 200_000),
        sending(gzip.compress(b" " * 50_000_000), content_encoding="gzip"),
    ):
        scripted.always = answer
        with pytest.raises(TooLarge):
            endpoint.call("eth_getLogs", [{}], list[Log])
    assert endpoint.bytes_in < 1_000_000
    scripted.always = giving([])
    assert endpoint.call("eth_getLogs", [{}], list[Log]) == []
    endpoint.close()


def test_compressed_answers_are_asked_for_and_counted_as_they_came(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    body = gzip.compress(b'{"jsonrpc":"2.0","id":1,"result":"' + b"a" * 100_000 + b'"}')
    scripted.always = sending(body, content_encoding="gzip")
    assert len(endpoint.call("web3_clientVersion", [], str)) == 100_000
    assert "gzip" in scripted.headers[0]["accept-encoding"]
    assert (endpoint.requests, endpoint.bytes_in, endpoint.errors) == (1, len(body), 0)


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_compressed_answers_of_any_size_are_unpacked(scripted: ScriptedNode, endpoint: Endpoint, size: int) -> None:
    text = b'{"jsonrpc":"2.0","id":1,"result":"'
    text += b"a" * max(0, size - len(text) - 2) + b'"}'
    half = len(text) // 2
    # Several files in a row are one, too.
    scripted.always = sending(gzip.compress(text[:half]) + gzip.compress(text[half:]), content_encoding="gzip")
    assert endpoint.call("web3_clientVersion", [], str) == text[34:-2].decode()


def test_connections_are_kept_after_answers_and_refusals(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    for answer in (giving("0x1"), refusing(-32000, "something new"), giving("0x2")):
        scripted.always = answer
        try:
            endpoint.call("eth_chainId", [], str)
        except Refused:
            continue
    assert (scripted.connections, endpoint.requests) == (1, 3)


def test_threads_share_an_endpoint(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    scripted.always = lambda r: giving(r["params"][0])(r)
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda n: endpoint.call("echo", [n], int), range(200)))
    assert numbers == list(range(200))
    assert len({call["id"] for call in scripted.asked}) == endpoint.requests == 200


def test_no_server_is_transport() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = Endpoint(f"http://127.0.0.1:{unused.getsockname()[1]}", "local-1")
        with pytest.raises(Transport, match="no connection"):
            endpoint.call("eth_chainId", [], str)


def test_silence_is_transport() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = Endpoint(f"http://127.0.0.1:{silent.getsockname()[1]}", "local-1", timeout=0.1)
        with pytest.raises(Transport, match=r"0\.1 s"):
            endpoint.call("eth_chainId", [], str)


def test_an_answer_that_only_drips_in_ends() -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                while not stop.wait(0.02):
                    try:
                        connection.sendall(b"1\r\n \r\n")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            endpoint = Endpoint(f"http://127.0.0.1:{server.getsockname()[1]}", "local-1", timeout=0.05)
            with pytest.raises(Transport, match="not complete"):
                endpoint.call("eth_chainId", [], str)
        finally:
            stop.set()
            thread.join()


def test_a_batch_keeps_its_order(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    scripted.always = each(lambda call: call["params"][0])
    assert endpoint.batch("echo", [[3], [1], [2]], int) == [3, 1, 2]
    assert endpoint.requests == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda replies: replies[:-1],  # one is missing
        lambda replies: [*replies[:-1], replies[0]],  # one came twice
        lambda replies: [*replies, replies[0]],  # and beside all others
        lambda replies: [*replies, {"id": 99, "result": 1}],  # one was not asked for
        lambda replies: [{**replies[0], "id": None}, *replies[1:]],  # one is nobody's
        lambda replies: [None, *replies[1:]],  # one is no answer
    ],
)
def test_a_batch_that_does_not_match_is_transport(change: Any, scripted: ScriptedNode, endpoint: Endpoint) -> None:
    scripted.always = lambda calls: Sent(json.dumps(change([{"id": c["id"], "result": 1} for c in calls])).encode())
    with pytest.raises(Transport):
        endpoint.batch("echo", [[1], [2], [3]], int)


def test_a_batch_answered_by_a_single_object_is_refused(scripted: ScriptedNode, endpoint: Endpoint) -> None:
    for body in (b'{"id":1,"result":1}', b'{"id":null,"error":{"code":-32600,"message":"batch calls are off"}}'):
        scripted.always = sending(body)
        with pytest.raises(Refused):
            endpoint.batch("echo", [[1], [2]], int)
