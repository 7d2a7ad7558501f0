"""The logs of one block: by hash, else from its receipts, and never those of a sibling."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.rpc import BlockUnknown, Inconsistent, MethodUnsupported, Node, Pruned, Refused, Throttled, Transport

from .samples import APPROVAL, TRANSFER, header_json, header_of, hex_hash, log_json, receipt_json
from .scripted import Answer, ScriptedNode, giving, refusing, sending

HEADER = header_of(16)


def by_method(**answers: Answer) -> Answer:
    return lambda call: answers[call["method"]](call)


def test_logs_are_asked_by_hash_with_any_of_the_topics(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving([log_json(16, 5), log_json(16, 2)])
    assert [log.log_index for log in node.block_logs(HEADER, [TRANSFER, APPROVAL])] == [2, 5]
    assert scripted.asked[0]["method"] == "eth_getLogs"
    assert scripted.asked[0]["params"] == [{"blockHash": hex_hash(16), "topics": [[TRANSFER, APPROVAL]]}]


def test_no_topics_means_no_filter(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving([])
    assert node.block_logs(HEADER, []) == []
    assert scripted.asked[0]["params"] == [{"blockHash": hex_hash(16)}]


@pytest.mark.parametrize("text", ["unknown block", "hash is not currently canonical"])
def test_an_orphaned_block_is_unknown_and_not_looked_for_elsewhere(
    text: str, scripted: ScriptedNode, node: Node
) -> None:
    scripted.always = refusing(-32000, text)
    with pytest.raises(BlockUnknown):
        node.block_logs(HEADER, [])
    assert len(scripted.asked) == 1


def test_pruned_history_is_not_looked_for_in_receipts(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = refusing(4444, "pruned history unavailable")
    with pytest.raises(Pruned):
        node.block_logs(HEADER, [])
    assert len(scripted.asked) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        refusing(-32005, "limit exceeded"),  # switched off
        refusing(-32601, "method not found"),
        refusing(-32602, "logs are limited to a 10000 block range"),  # even by hash (Polygon zkEVM)
        refusing(-32000, "query returned more than 10000 results"),  # of one block (ZetaChain)
        refusing(-32000, "ReceiptGen.GetReceipt: txn is a state-sync transaction"),
    ],
)
def test_receipts_stand_in_for_refused_logs_and_give_the_same(
    refusal: Answer, scripted: ScriptedNode, node: Node
) -> None:
    receipts = [
        receipt_json(16, log_json(16, 0), log_json(16, 1, topics=[APPROVAL])),
        receipt_json(16),
        receipt_json(16, log_json(16, 2, topics=[])),
    ]
    scripted.always = by_method(eth_getLogs=refusal, eth_getBlockReceipts=giving(receipts))
    assert [log.log_index for log in node.block_logs(HEADER, [TRANSFER.upper().replace("0X", "0x")])] == [0]
    assert [log.log_index for log in node.block_logs(HEADER, [])] == [0, 1, 2]
    assert [log.log_index for log in node.receipts_logs(HEADER)] == [0, 1, 2]
    assert scripted.asked[-1]["params"] == [hex_hash(16)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"blockHash": hex_hash(16, fork=1)},
        {"blockNumber": "0x11"},
        {"removed": True},
        {"logIndex": "0xfffffff7"},
    ],
)
def test_logs_that_do_not_fit_the_block_are_inconsistent(
    wrong: dict[str, Any], scripted: ScriptedNode, node: Node
) -> None:
    scripted.always = giving([log_json(16, 1) | wrong])
    with pytest.raises(Inconsistent, match=r"^local-1 eth_getLogs: block "):
        node.block_logs(HEADER, [])
    scripted.always = giving([receipt_json(16, log_json(16, 1) | wrong)])
    with pytest.raises(Inconsistent, match=r"^local-1 eth_getBlockReceipts: block "):
        node.receipts_logs(HEADER)


@pytest.mark.parametrize("result", [[None], [{}], [{"blockHash": hex_hash(16), "logs": None}], {}])
def test_receipts_with_holes_are_never_an_empty_answer(result: Any, scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving(result)
    with pytest.raises(Transport):
        node.receipts_logs(HEADER)


def test_null_receipts_are_an_unknown_block(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving(None)
    with pytest.raises(BlockUnknown):
        node.receipts_logs(HEADER)


def test_a_receipt_of_another_block_is_inconsistent_when_asked_by_hash(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving([receipt_json(16), receipt_json(16, fork=1)])
    with pytest.raises(Inconsistent, match="a receipt of block hash"):
        node.receipts_logs(HEADER)


def only_by_number(receipts: object, canonical: object = None) -> Answer:
    """A node whose receipts are asked by number only."""

    def receive(call: Any) -> Answer:
        return giving(receipts) if call["params"] == ["0x10"] else refusing(-32602, "invalid argument 0: a number")

    return by_method(
        eth_getBlockReceipts=lambda call: receive(call)(call),
        eth_getBlockByNumber=giving(canonical),
    )


def test_receipts_by_number_are_taken_when_their_hashes_fit(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = only_by_number([receipt_json(16, log_json(16, 0))])
    assert [log.log_index for log in node.receipts_logs(HEADER)] == [0]


def test_receipts_by_number_of_a_sibling_mean_the_block_is_unknown(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = only_by_number([receipt_json(16, fork=1)])
    with pytest.raises(BlockUnknown, match="no longer"):
        node.receipts_logs(HEADER)


def test_mixed_receipts_by_number_are_inconsistent(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = only_by_number([receipt_json(16), receipt_json(16, fork=1)])
    with pytest.raises(Inconsistent):
        node.receipts_logs(HEADER)


def test_an_empty_block_by_number_is_believed_only_with_its_header(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = only_by_number([], canonical=header_json(16))
    assert node.receipts_logs(HEADER) == []
    for canonical in (header_json(16, fork=1), None):
        scripted.always = only_by_number([], canonical=canonical)
        with pytest.raises(BlockUnknown):
            node.receipts_logs(HEADER)


def test_what_is_refused_both_ways_is_raised(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = refusing(-32000, "something new")
    with pytest.raises(Refused):
        node.block_logs(HEADER, [])
    scripted.always = refusing(-32601, "method not found")
    with pytest.raises(MethodUnsupported):
        node.block_logs(HEADER, [])


def test_what_passes_by_itself_is_not_looked_for_in_receipts(scripted: ScriptedNode, node: Node) -> None:
    for answer, kind in ((sending(b"", 503), Transport), (refusing(429, "Too many requests"), Throttled)):
        scripted.always = answer
        with pytest.raises(kind):
            node.block_logs(HEADER, [])
    assert {call["method"] for call in scripted.asked} == {"eth_getLogs"}
