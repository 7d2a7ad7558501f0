"""The logs of several blocks: one request, each checked against its block; one by one where a batch is refused."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.rpc import BlockUnknown, Inconsistent, Node

from .samples import TRANSFER, header_of, hex_hash, log_json
from .scripted import ScriptedNode, each, giving, refusing

HEADERS = [header_of(16), header_of(17)]
LOGS = {hex_hash(number): [log_json(number, 5), log_json(number, 2)] for number in (16, 17)}


def logs_of(call: Any) -> object:
    return LOGS[call["params"][0]["blockHash"]]


def test_one_request_brings_them_all(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = each(logs_of)
    found = node.blocks_logs(HEADERS, [TRANSFER])
    assert [[(log.block_number, log.log_index) for log in logs] for logs in found] == [
        [(16, 2), (16, 5)],
        [(17, 2), (17, 5)],
    ]
    assert len(scripted.asked) == 1


def test_logs_of_another_block_are_refused(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = each(lambda call: LOGS[hex_hash(16)])
    with pytest.raises(Inconsistent):
        node.blocks_logs(HEADERS, [TRANSFER])


def test_a_block_that_is_not_there_is_no_block_without_logs(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = each(lambda call: {"code": -32000, "message": "unknown block"})
    with pytest.raises(BlockUnknown):
        node.blocks_logs(HEADERS, [TRANSFER])


def test_a_node_without_batches_is_asked_one_by_one_and_never_again_so(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = lambda request: (
        refusing(-32600, "batches are not served")({"id": None})
        if isinstance(request, list)
        else giving(logs_of(request))(request)
    )
    for _ in range(2):
        assert [len(logs) for logs in node.blocks_logs(HEADERS, [TRANSFER])] == [2, 2]
    assert [isinstance(request, list) for request in scripted.asked] == [True, False, False, False, False]
