"""Section 5.3, rows 7, 14, 18, 20: what is missing, broken or of another block is an error, never an empty answer."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from indexer.rpc import BlockUnknown, Endpoint, Inconsistent, Node, RpcError, Transport
from indexer.rpc.trust import Trust

from .samples import header_json, header_of, hex_hash, log_json, receipt_json
from .scripted import Answer, ScriptedNode, Sent, each, giving, refusing, sending

Question = Callable[[Node], object]


@pytest.fixture
def node(endpoint: Endpoint) -> Node:
    return Node(endpoint, attempts=1)


def block_logs(node: Node) -> object:
    return node.block_logs(header_of(16), [])


def range_logs(node: Node) -> object:
    return node.range_logs(16, 17, None, [])


def receipts(node: Node) -> object:
    return node.receipts_logs(header_of(16))


def header(node: Node) -> object:
    return node.header(16)


MISSING: dict[str, tuple[Answer, Question, type[RpcError]]] = {
    "null logs of a block": (giving(None), block_logs, Transport),
    "null logs of a range": (giving(None), range_logs, Transport),
    "null receipts": (giving(None), receipts, BlockUnknown),
    "a null log": (giving([log_json(16, 0), None]), range_logs, Transport),
    "a null receipt, dRPC on Cronos": (giving([receipt_json(16), None]), receipts, Transport),
    "null logs in a receipt": (giving([receipt_json(16) | {"logs": None}]), receipts, Transport),
    "a receipt without logs": (giving([{"blockHash": hex_hash(16)}]), receipts, Transport),
    "an object for logs": (giving({}), block_logs, Transport),
    "an object for receipts": (giving({}), receipts, Transport),
    "an object for a header": (giving({}), header, Transport),
    "no result": (sending(b'{"jsonrpc":"2.0","id":1}'), range_logs, Transport),
    "no result for a header": (sending(b'{"jsonrpc":"2.0","id":1}'), header, Transport),
    "an empty object for everything": (sending(b"{}"), range_logs, Transport),
    "a log index of a block": (giving([log_json(16, 0xFFFFFFF7)]), block_logs, Inconsistent),
    "a log index of a range": (giving([log_json(16, 0xFFFFFFF7)]), range_logs, Inconsistent),
    "a log index in receipts": (giving([receipt_json(16, log_json(16, 0xFFFFFFF7))]), receipts, Inconsistent),
    "a null round, Forest's tipset before it": (giving(header_json(15)), header, Inconsistent),
    "a broken chunk": (sending(b'{"jsonrpc":"2.0","id":1,"result":[', cut=50), range_logs, Transport),
    "broken compression": (sending(gzip.compress(b"[]")[:-4], content_encoding="gzip"), range_logs, Transport),
    "zstd garbage": (sending(b"\x28\xb5\x2f\xfd\x00", content_encoding="zstd"), range_logs, Transport),
    "truncated JSON": (sending(b'{"jsonrpc":"2.0","id":1,"result":['), range_logs, Transport),
    "HTML with HTTP 200": (sending(b"<html></html>"), range_logs, Transport),
    "an answer to another request": (sending(b'{"jsonrpc":"2.0","id":7,"result":[]}'), range_logs, Transport),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_is_an_error(name: str, scripted: ScriptedNode, node: Node) -> None:
    scripted.always, question, kind = MISSING[name]
    with pytest.raises(RpcError) as caught:
        question(node)
    assert type(caught.value) is kind
    assert caught.value.endpoint == "local-1"


def test_a_null_header_is_none_and_no_error(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving(None)
    assert node.header(16) is None


NULL_ROUND = "requested epoch was a null round (16)"


def test_a_height_without_a_block_has_no_header(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = refusing(12, NULL_ROUND)
    assert node.header(16) is None


def test_in_a_batch_too_and_the_others_have_theirs(scripted: ScriptedNode, node: Node) -> None:
    def answer(call: Any) -> object:
        number = int(call["params"][0], 16)
        return {"code": 12, "message": NULL_ROUND} if number == 16 else header_json(number)

    scripted.always = each(answer)
    assert [found and found.number for found in node.headers([15, 16, 17])] == [15, None, 17]
    assert len(scripted.asked) == 1


def test_the_tipset_before_it_is_none_only_where_the_chain_has_null_rounds(
    scripted: ScriptedNode, endpoint: Endpoint
) -> None:
    scripted.always = giving(header_json(15))
    assert Node(endpoint, attempts=1, trust=Trust.of_quirks(["null-rounds"], standard=False)).header(16) is None
    scripted.always = giving(header_json(17))
    with pytest.raises(Inconsistent):
        Node(endpoint, attempts=1, trust=Trust.of_quirks(["null-rounds"], standard=False)).header(16)


def test_null_for_the_latest_block_is_no_answer(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving(None)
    with pytest.raises(Transport):
        node.header("latest")


def test_a_batch_in_another_order_is_put_in_order(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = each(lambda call: header_json(int(call["params"][0], 16)))
    assert [found.number for found in node.headers([16, 17, 18]) if found] == [16, 17, 18]


def test_a_single_answer_for_a_batch_is_asked_for_one_by_one(scripted: ScriptedNode, node: Node) -> None:
    def answer(request: Any) -> Sent:
        call = request[0] if isinstance(request, list) else request
        return giving(header_json(int(call["params"][0], 16)))(call)

    scripted.always = answer
    assert [found.number for found in node.headers([16, 17]) if found] == [16, 17]
    assert [isinstance(request, list) for request in scripted.asked] == [True, False, False]
