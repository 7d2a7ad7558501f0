"""Headers by number, tag and hash, one by one and in batches."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.rpc import Header, Inconsistent, Node, Refused, Throttled, Transport

from .samples import hash_of, header_json, hex_hash
from .scripted import Answer, ScriptedNode, each, giving, refusing, sending


def number_in(call: Any) -> int:
    return int(call["params"][0], 16)


def test_a_header_by_number(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving(header_json(0))
    header = node.header(0)
    assert header is not None
    assert header == Header(0, hash_of(0), header.parent_hash, 1_700_000_000, bytes(256))
    assert scripted.asked[0]["params"] == ["0x0", False]


@pytest.mark.parametrize("tag", ["finalized", "safe", "latest"])
def test_a_header_by_tag(tag: str, scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving(header_json(7))
    header = node.header(tag)
    assert header is not None
    assert header.number == 7
    assert scripted.asked[0]["params"] == [tag, False]


def test_an_unknown_tag_is_a_mistake_of_ours(node: Node) -> None:
    with pytest.raises(ValueError, match="no block tag"):
        node.header("pending")


def test_no_header_is_none(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving(None)
    assert node.header(5) is None
    assert node.header("finalized") is None
    assert node.header_by_hash(hash_of(5)) is None


def test_a_header_of_another_number_is_inconsistent(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving(header_json(6))
    with pytest.raises(Inconsistent, match=r"^local-1 eth_getBlockByNumber: asked for block 5, got 6$"):
        node.header(5)


def test_a_header_by_hash_carries_that_hash(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving(header_json(5))
    header = node.header_by_hash(hash_of(5))
    assert header is not None
    assert header.number == 5
    assert scripted.asked[0]["params"] == [hex_hash(5), False]
    with pytest.raises(Inconsistent):
        node.header_by_hash(hash_of(5, fork=1))


def test_a_chain_without_blooms_has_headers(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving({k: v for k, v in header_json(5).items() if k != "logsBloom"})
    header = node.header(5)
    assert header is not None
    assert header.logs_bloom is None


@pytest.mark.parametrize("field", ["number", "hash", "parentHash", "timestamp"])
def test_a_header_with_a_hole_is_no_header(field: str, scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving(header_json(5) | {field: None})
    with pytest.raises(Transport):
        node.header(5)


def test_headers_come_in_order_in_slices_of_fifty(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = each(lambda call: None if number_in(call) == 3 else header_json(number_in(call)))
    headers = node.headers(range(120))
    assert [header and header.number for header in headers] == [None if n == 3 else n for n in range(120)]
    assert [len(batch) for batch in scripted.asked] == [50, 50, 20]


def test_a_wrong_header_in_a_batch_is_inconsistent(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = each(lambda call: header_json(9))
    with pytest.raises(Inconsistent):
        node.headers([9, 10])


REFUSALS: dict[str, Answer] = {
    "an error": sending(b'{"id":null,"error":{"code":-32600,"message":"off"}}'),
    "a single result": sending(b'{"id":1,"result":null}'),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_node_that_refuses_batches_is_asked_one_by_one_from_then_on(
    refusal: str, scripted: ScriptedNode, node: Node
) -> None:
    scripted.always = lambda r: REFUSALS[refusal](r) if isinstance(r, list) else giving(header_json(number_in(r)))(r)
    assert node.headers(range(4)) == [node.header(n) for n in range(4)]
    assert node.headers([8, 9]) == [node.header(8), node.header(9)]
    assert sum(isinstance(asked, list) for asked in scripted.asked) == 1


def test_a_node_that_chokes_on_batches_is_asked_one_by_one(
    scripted: ScriptedNode, node: Node, waits: list[float]
) -> None:
    scripted.always = lambda r: sending(b"", 500)(r) if isinstance(r, list) else giving(header_json(number_in(r)))(r)
    assert [header and header.number for header in node.headers([1, 2])] == [1, 2]
    assert len(waits) == 4


def test_a_throttled_batch_is_tried_again_as_a_batch(scripted: ScriptedNode, node: Node) -> None:
    busy = {"code": -32012, "message": "credits limited to 6000/sec"}
    scripted.script.extend([each(lambda call: busy), each(lambda call: header_json(number_in(call)))])
    assert [header and header.number for header in node.headers([1, 2])] == [1, 2]
    assert [len(asked) for asked in scripted.asked] == [2, 2]
    scripted.always = each(lambda call: busy)
    with pytest.raises(Throttled):
        node.headers([1, 2])


def test_a_single_call_that_is_refused_is_raised(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = refusing(-32000, "something new")
    with pytest.raises(Refused):
        node.headers([1])
