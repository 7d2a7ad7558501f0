"""The logs of a range of blocks: how they are asked for and what is not believed."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.rpc import Inconsistent, Node, TooLarge, Transport

from .samples import APPROVAL, PAIR, TRANSFER, hex_hash, log_json
from .scripted import ScriptedNode, giving, refusing


def test_a_range_is_asked_in_minimal_hex_without_trailing_nulls(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving([])
    node.range_logs(0, 16, [PAIR], [TRANSFER, APPROVAL])
    node.range_logs(5, 5, None, [])
    assert [call["params"] for call in scripted.asked] == [
        [{"fromBlock": "0x0", "toBlock": "0x10", "address": [PAIR], "topics": [[TRANSFER, APPROVAL]]}],
        [{"fromBlock": "0x5", "toBlock": "0x5"}],
    ]


def test_logs_come_sorted(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving([log_json(17, 0), log_json(16, 9), log_json(16, 10), log_json(16, 1)])
    logs = node.range_logs(16, 17, None, [])
    assert [(log.block_number, log.log_index) for log in logs] == [(16, 1), (16, 9), (16, 10), (17, 0)]


@pytest.mark.parametrize(
    ("logs", "said"),
    [
        ([log_json(15, 0)], "outside"),
        ([log_json(18, 0)], "outside"),
        ([log_json(16, 0), log_json(16, 0)], "came twice"),
        ([log_json(16, 0), log_json(16, 1, blockHash=hex_hash(16, fork=1))], "two hashes"),
        ([log_json(16, 0, removed=True)], "removed"),
        ([log_json(16, 0x80000000)], "that many logs"),
    ],
)
def test_logs_that_contradict_are_inconsistent(
    logs: list[dict[str, Any]], said: str, scripted: ScriptedNode, node: Node
) -> None:
    scripted.always = giving(logs)
    with pytest.raises(Inconsistent, match=said) as caught:
        node.range_logs(16, 17, None, [])
    assert (caught.value.endpoint, caught.value.method) == ("local-1", "eth_getLogs")


@pytest.mark.parametrize("result", [None, {}, [None], [log_json(16, 0) | {"blockHash": None}]])
def test_what_is_no_list_of_logs_is_never_an_empty_answer(result: Any, scripted: ScriptedNode, node: Node) -> None:
    scripted.always = giving(result)
    with pytest.raises(Transport):
        node.range_logs(16, 17, None, [])


def test_a_range_that_is_too_large_says_what_the_provider_suggests(scripted: ScriptedNode, node: Node) -> None:
    scripted.always = refusing(-32005, "query returned more than 10000 results. Try with this block range [0x1, 0x9].")
    with pytest.raises(TooLarge) as caught:
        node.range_logs(1, 100, None, [])
    assert caught.value.suggested == (1, 9)


@pytest.mark.parametrize(("first", "last"), [(5, 4), (-1, 4)])
def test_no_range_is_a_mistake_of_ours(first: int, last: int, scripted: ScriptedNode, node: Node) -> None:
    with pytest.raises(ValueError, match="no range"):
        node.range_logs(first, last, None, [])
    assert scripted.asked == []


def test_an_empty_list_of_addresses_is_never_sent(scripted: ScriptedNode, node: Node) -> None:
    with pytest.raises(ValueError, match="no addresses"):
        node.range_logs(1, 2, [], [TRANSFER])
    assert scripted.asked == []
