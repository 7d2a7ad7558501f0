"""A range is read for all contracts but those that make the node refuse, and no answer is taken for more than it is."""

from collections.abc import Iterator
from typing import Any

import pytest

from indexer.positions.definition import TRANSFER, Definition
from indexer.positions.pieces import NO_CONTRACT
from indexer.positions.questions import Question, fits, split
from indexer.positions.reader import RangeReader
from indexer.rpc import Endpoint, EndpointPool, Log, Node, Refused, RpcError, TooLarge
from tests.rpc.scripted import ScriptedNode, Sent, giving, refusing

HEAD = 10_000
USER = bytes([7]) * 20
OTHER = bytes([0x11]) * 32


def contract(number: int) -> bytes:
    return number.to_bytes(20)


def hex_of(number: int) -> str:
    return "0x" + contract(number).hex()


def job(number: int, topic0: bytes = TRANSFER) -> tuple[int, Definition]:
    return number, Definition(contract(number), topic0, 2, None, None, None, None)


def log(number: int, block: int, index: int = 0, user: bytes = USER.rjust(32, b"\0")) -> dict[str, Any]:
    return {
        "address": hex_of(number),
        "topics": ["0x" + TRANSFER.hex(), "0x" + bytes(32).hex(), "0x" + user.hex()],
        "data": "0x",
        "blockNumber": hex(block),
        "blockHash": "0x" + block.to_bytes(32).hex(),
        "logIndex": hex(index),
    }


class FussyNode:
    """Every contract logs in block 5; refuses questions that name one of `refused`, ranges with `too_large`."""

    def __init__(self) -> None:
        self.scripted = ScriptedNode()
        self.scripted.always = self.answer
        self.node = Node(Endpoint(self.scripted.url, "local-1", timeout=5.0), attempts=1)
        self.pool = EndpointPool([self.node], attempts=1)
        self.refused: set[int] = set()
        self.known: list[int] = []
        self.garbage: set[int] = set()
        self.refuses_topics_alone = False
        self.too_large: set[int] = set()
        self.asked = 0

    def answer(self, request: Any) -> Sent:
        if request["method"] == "eth_getBlockByNumber":
            asked = request["params"][0]
            block = HEAD if asked == "latest" else int(asked, 16)
            hashes = {"hash": "0x" + block.to_bytes(32).hex(), "parentHash": "0x" + bytes(32).hex()}
            return giving({"number": hex(block), "timestamp": "0x0"} | hashes)(request)
        if request["method"] == "eth_getBlockReceipts":
            logs = [
                log(number, 5, number, bytes([255]) * 32) if number in self.garbage else log(number, 5, number)
                for number in self.known
            ]
            return giving([{"blockHash": request["params"][0], "logs": logs}])(request)
        self.asked += 1
        asked = request["params"][0]
        addresses = asked.get("address")
        numbers = self.known if addresses is None else [int(address, 16) for address in addresses]
        if addresses is None and self.refuses_topics_alone:
            return refusing(-32000, "please specify an address in your request")(request)
        if self.refused & set(numbers):
            return refusing(-32000, "not these")(request)
        first, last = int(asked["fromBlock"], 16), int(asked["toBlock"], 16)
        if self.too_large & set(range(first, last + 1)):
            return refusing(-32005, "query returned more than 10000 results")(request)
        return giving([log(number, 5, number) for number in numbers if first <= 5 <= last])(request)


@pytest.fixture
def fussy() -> Iterator[FussyNode]:
    fussy = FussyNode()
    yield fussy
    fussy.scripted.stop()


def found(reader: RangeReader, fussy: FussyNode, first: int = 0, last: int = 9) -> tuple[set[int], set[str]]:
    """The jobs that were touched, and the contracts refused."""
    reading = reader.read(fussy.pool, first, last)
    assert reading.last == last
    return reading.matches.jobs, set(reading.refused)


def test_nobody_refused_is_one_request(fussy: FussyNode) -> None:
    assert found(RangeReader([job(number) for number in range(1, 100)]), fussy) == (set(range(1, 100)), set())
    assert fussy.asked == 1


@pytest.mark.parametrize("refused", [{1}, {100}, {50, 51}, {1, 100}], ids=str)
def test_those_refused_are_named_and_the_others_are_read(fussy: FussyNode, refused: set[int]) -> None:
    fussy.refused = refused
    touched, named = found(RangeReader([job(number) for number in range(1, 101)]), fussy)
    assert touched == set(range(1, 101)) - refused
    assert named == {hex_of(number) for number in refused}
    assert fussy.asked < 40


def test_five_of_five_hundred_do_not_make_the_range_fail(fussy: FussyNode) -> None:
    fussy.refused = {3, 77, 200, 333, 490}
    touched, named = found(RangeReader([job(number) for number in range(1, 501)]), fussy)
    assert (len(touched), len(named)) == (495, 5)


def test_a_node_that_refuses_everybody_fails_the_range(fussy: FussyNode) -> None:
    fussy.refused = {*range(1, 101), int(NO_CONTRACT, 16)}
    with pytest.raises(Refused, match="not these"):
        found(RangeReader([job(number) for number in range(1, 101)]), fussy)
    assert fussy.asked == 2


def test_a_node_that_refuses_all_that_are_asked_for_but_not_everybody_names_them(fussy: FussyNode) -> None:
    fussy.refused = {1, 2, 3}
    touched, named = found(RangeReader([job(number) for number in range(1, 4)]), fussy)
    assert (touched, named) == (set(), {hex_of(number) for number in (1, 2, 3)})


def test_a_contract_alone_in_its_question_is_named_too(fussy: FussyNode) -> None:
    fussy.refused, fussy.refuses_topics_alone = {9}, True
    touched, named = found(RangeReader([job(1), job(2), job(9, OTHER)]), fussy)
    assert (touched, named) == ({1, 2}, {hex_of(9)})


def test_a_block_too_large_for_one_answer_is_asked_by_fewer_contracts_and_then_by_receipts(fussy: FussyNode) -> None:
    fussy.known = list(range(1, 6))
    fussy.too_large = {5}
    touched, refused = found(RangeReader([job(number) for number in range(1, 5)]), fussy)
    # 5 is no job, though its log is among the receipts.
    assert (touched, refused) == ({1, 2, 3, 4}, set())


def test_what_is_unreadable_there_is_counted_once(fussy: FussyNode) -> None:
    """Every part of the question reads the same receipts."""
    fussy.known, fussy.garbage, fussy.too_large = [1, 2, 3, 4], {3}, {5}
    reader = RangeReader([job(number) for number in range(1, 5)])
    reading = reader.read(fussy.pool, 5, 5)
    assert [(row.job, row.block, row.count) for row in reading.matches.unreadable] == [(3, 5, 1)]
    assert len(reading.logs) == 4


def test_a_node_that_refuses_topics_alone_is_soon_asked_by_address_only(fussy: FussyNode) -> None:
    fussy.refuses_topics_alone = True
    reader = RangeReader([job(1), job(2), job(3, OTHER)])
    failures = 0
    for first in range(0, 200, 10):
        try:
            reader.read(fussy.pool, first, first + 9)
        except RpcError:
            failures += 1
    assert failures <= 2


def test_a_way_that_cannot_cost_less_is_not_tried(fussy: FussyNode) -> None:
    """Few but the watched contracts log here, so one question by topic beats two by address, whatever they bring."""
    fussy.known = [1, 2, 3, 4]
    reader = RangeReader([job(1), job(2), job(3, OTHER)])
    questions = []
    for first in range(0, 1000, 10):
        before = fussy.asked
        assert reader.read(fussy.pool, first, first + 9).last == first + 9
        questions.append(fussy.asked - before)
    assert set(questions) == {1}


def test_the_way_that_costs_least_is_taken_after_both_are_measured(fussy: FussyNode) -> None:
    """So many others log that two questions by address are cheaper than one by topic."""
    fussy.known = list(range(1, 2_000))
    reader = RangeReader([job(1), job(2), job(3, OTHER)])
    questions = []
    for _ in range(100):
        before = fussy.asked
        assert reader.read(fussy.pool, 5, 5).last == 5
        questions.append(fussy.asked - before)
    assert questions[:2] == [1, 2]
    # The dearer one is looked at again now and then.
    assert questions[2:].count(1) == 1
    assert questions.count(2) == 98


def test_a_question_is_split_by_address_and_then_by_topic() -> None:
    assert split(Question(("a", "b", "c"), ("t",))) == [Question(("a",), ("t",)), Question(("b", "c"), ("t",))]
    assert split(Question(("a",), ("t", "u"))) == [Question(("a",), ("t",)), Question(("a",), ("u",))]
    assert split(Question(None, ("t", "u"))) == [Question(None, ("t",)), Question(None, ("u",))]
    assert split(Question(("a",), ("t",))) == split(Question(None, ("t",))) == []


def test_a_log_fits_a_question_by_contract_and_topic0() -> None:
    import msgspec

    transfer = msgspec.convert(log(1, 5), Log)
    topic0 = "0x" + TRANSFER.hex()
    assert fits(Question((hex_of(1),), (topic0,)), transfer)
    assert fits(Question(None, (topic0,)), transfer)
    assert not fits(Question((hex_of(2),), (topic0,)), transfer)
    assert not fits(Question(None, ("0x" + OTHER.hex(),)), transfer)
    transfer.topics = []
    assert not fits(Question(None, (topic0,)), transfer)


def test_a_refusal_of_a_single_block_is_not_taken_for_an_empty_one(fussy: FussyNode) -> None:
    fussy.too_large = {5}
    fussy.known = [1]
    reader = RangeReader([job(1)])
    assert reader.read(fussy.pool, 5, 5).matches.found.blocks.tolist() == [5]
    with pytest.raises(TooLarge):
        fussy.node.range_logs(5, 5, [hex_of(1)], ["0x" + TRANSFER.hex()])
