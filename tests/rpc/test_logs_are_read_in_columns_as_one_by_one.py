"""What is read of many logs at once is what decoding one after the other gives, or it is left to that."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.rpc import Logs, choose, no_logs, to_columns
from indexer.rpc.columns import Bytes, Mask, Places, same_columns
from indexer.rpc.scan import MOST_LEARNED, MOST_SHAPES, LogScanner
from indexer.rpc.types import Log

NUMBER = 7


def hexes(size: int) -> st.SearchStrategy[str]:
    return st.binary(min_size=size, max_size=size).map(lambda value: "0x" + value.hex())


def quantities(most: int) -> st.SearchStrategy[str]:
    return st.integers(0, most).map(hex)


FIELDS = st.fixed_dictionaries(
    {
        "address": hexes(20),
        "topics": st.lists(hexes(32), max_size=4),
        "data": st.one_of(hexes(0), hexes(32), st.binary(max_size=70).map(lambda value: "0x" + value.hex().upper())),
        "blockNumber": quantities(2**40),
        "transactionHash": hexes(32),
        "transactionIndex": quantities(300),
        "blockHash": hexes(32),
        "logIndex": quantities(5_000),
        "removed": st.just(False),
    },
    optional={"blockTimestamp": quantities(2**31), "logType": st.none(), "extra": st.integers(0, 99)},
)


def body_of(logs: list[dict[str, Any]], begin: str = '{"jsonrpc":"2.0","id":7,"result":', end: str = "}") -> bytearray:
    return bytearray(begin.encode() + msgspec.json.encode(logs) + end.encode())


class Answer(msgspec.Struct):
    result: list[Log]


def one_by_one(body: bytearray) -> Logs | None:
    """The slow and obvious way; None where the answer does not decode."""
    try:
        logs = msgspec.json.decode(body, type=Answer).result
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if any(log.removed for log in logs) else to_columns(logs)


def in_one_order(logs: Logs) -> Logs:
    texts = list(map(msgspec.json.encode, logs))
    return logs.take(np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int64))


def same_set(one: Logs, other: Logs) -> bool:
    """Whether both hold the same logs, as often, column by column, in whatever order."""
    return same_columns(in_one_order(one), in_one_order(other))


def read(body: bytearray, scanner: LogScanner | None = None) -> Logs:
    found = (scanner or LogScanner()).read(body, NUMBER)
    assert found is not None
    assert found.seen == len(found.logs)
    return found.logs


@given(st.lists(FIELDS, max_size=30), st.randoms())
def test_any_logs_are_read_as_one_by_one(logs: list[dict[str, Any]], random: Any) -> None:
    keys = list(logs[0]) if logs else []
    random.shuffle(keys)
    body = body_of([{key: log[key] for key in sorted(log, key=lambda key: (key not in keys, key))} for log in logs])
    expected = one_by_one(body)
    assert expected is not None
    scanner = LogScanner()
    for _ in range(2):  # with shapes to learn, and with known ones
        assert same_set(read(body, scanner), expected)


@given(st.lists(FIELDS, min_size=1, max_size=6), st.data())
def test_no_damaged_byte_is_read_otherwise_than_one_by_one(logs: list[dict[str, Any]], data: st.DataObject) -> None:
    body = body_of(logs)
    scanner = LogScanner()
    scanner.read(body, NUMBER)
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] = data.draw(st.one_of(st.sampled_from(b'0aFgx",:[]{}\\ e-'), st.integers(0, 255)))
    read = scanner.read(body, NUMBER)
    if read is not None:
        expected = one_by_one(body)
        assert expected is not None
        assert same_set(read.logs, expected)


@given(st.lists(FIELDS, min_size=1, max_size=6), st.data())
def test_nor_is_what_is_cut_or_doubled(logs: list[dict[str, Any]], data: st.DataObject) -> None:
    body = body_of(logs)
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(body))] * 2)))
    for changed in (body[:first] + body[last:], body[:last] + body[first:], body[:first]):
        read = LogScanner().read(changed, NUMBER)
        if read is not None:
            expected = one_by_one(changed)
            assert expected is not None
            assert same_set(read.logs, expected)


@given(st.lists(FIELDS, max_size=30), st.sampled_from(["first byte", "topic0", "topics", "all", "none"]))
def test_of_logs_of_which_some_are_wanted_these_are_read_and_all_are_looked_at(
    logs: list[dict[str, Any]], by: str
) -> None:
    def wanted(addresses: Bytes, topic0s: Bytes, topic_counts: Bytes) -> Mask:
        ways = {
            "first byte": addresses[:, 0] < 128,
            "topic0": topic0s[:, 0] < 128,
            "topics": topic_counts > 1,
            "all": np.ones(len(addresses), np.bool_),
            "none": np.zeros(len(addresses), np.bool_),
        }
        return ways[by]

    body = body_of(logs)
    expected = one_by_one(body)
    assert expected is not None
    seen: list[Places] = []

    def fits(places: Places) -> bool:
        seen.append(places)
        return True

    scanner = LogScanner()
    for _ in range(2):
        found = scanner.read(body, NUMBER, wanted, fits)
        assert found is not None
        assert found.seen == len(logs)
        assert same_set(found.logs, choose(expected, wanted).logs)
    for blocks, indexes, hashes in seen:
        assert np.array_equal(blocks, expected.blocks)
        assert np.array_equal(indexes, expected.indexes)
        assert np.array_equal(hashes, expected.hashes)
    assert len(seen) == 2 * bool(logs)


@given(st.lists(FIELDS, min_size=2, max_size=9), st.data())
def test_a_damaged_log_is_not_passed_over_though_nobody_wants_it(
    logs: list[dict[str, Any]], data: st.DataObject
) -> None:
    body = body_of(logs)
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] = data.draw(st.one_of(st.sampled_from(b'0aFgx",:[]{}\\ e-'), st.integers(0, 255)))
    scanner = LogScanner()
    scanner.read(body_of(logs), NUMBER)
    found = scanner.read(body, NUMBER, lambda addresses, *_: np.zeros(len(addresses), np.bool_))
    if found is not None:
        expected = one_by_one(body)
        assert expected is not None
        assert (found.seen, len(found.logs)) == (len(expected), 0)


LOG: dict[str, Any] = {
    "address": "0x" + "ab" * 20,
    "topics": ["0x" + "01" * 32],
    "data": "0x",
    "blockNumber": "0x10",
    "blockHash": "0x" + "02" * 32,
    "logIndex": "0x0",
}


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ('{"jsonrpc":"2.0","id":7,"result":', "}"),
        ('{"jsonrpc":"2.0","result":', ',"id":7}'),
        ('{"jsonrpc":"2.0","id":7,"result":', "}\n"),
    ],
)
def test_the_usual_envelopes_are_known(begin: str, end: str) -> None:
    assert len(read(body_of([LOG, LOG], begin, end))) == 2
    assert same_set(read(body_of([], begin, end)), no_logs())


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ('{"jsonrpc":"2.0","id":8,"result":', "}"),  # the answer to another request
        ('{"jsonrpc":"2.0","result":', "}"),  # to nobody knows which
        ('{"jsonrpc":"2.0","id":7,"result":', ',"id":8}'),  # to two
        ('{"id":7,"jsonrpc":"2.0","result":', "}"),
        ('{"jsonrpc":"2.0","id":7,"error":null,"result":', "}"),
        ('[{"jsonrpc":"2.0","id":7,"result":', "}]"),
        ("", ""),
    ],
)
def test_other_envelopes_are_left_to_the_decoder(begin: str, end: str) -> None:
    assert LogScanner().read(body_of([LOG], begin, end), NUMBER) is None


@pytest.mark.parametrize(
    "change",
    [
        {"removed": True},
        {"blockNumber": None},
        {"blockNumber": "0x1" + "0" * 16},
        {"logIndex": "0x" + "f" * 64},
        {"address": "0x" + "ab" * 19},
        {"data": "0xa"},
        {"topics": ["0x" + "01" * 32] * 5},
        {"topics": ["0x" + "01" * 31]},
    ],
)
def test_what_is_wrong_with_a_log_is_for_the_decoder_to_say(change: dict[str, Any]) -> None:
    assert LogScanner().read(body_of([LOG, LOG | change]), NUMBER) is None


def test_names_that_come_twice_are_no_shape() -> None:
    """The decoder takes the last of them."""
    text = msgspec.json.encode(LOG).decode()
    twice = text[:-1] + ',"address":"0x' + "cd" * 20 + '"}'
    logs = read(bytearray(f'{{"jsonrpc":"2.0","id":7,"result":[{twice},{twice}]}}'.encode()))
    assert {row.tobytes() for row in logs.addresses} == {b"\xcd" * 20}


def test_more_shapes_than_are_kept_are_read_all_the_same() -> None:
    scanner = LogScanner()
    sizes = range(2 * MOST_SHAPES)
    for start in range(0, len(sizes), 2 * MOST_LEARNED):
        logs = [LOG | {"data": "0x" + "00" * size} for size in sizes[start : start + 2 * MOST_LEARNED]]
        assert same_set(read(body_of(logs), scanner), to_columns(msgspec.convert(logs, list[Log])))


def test_an_answer_of_braces_takes_no_memory() -> None:
    body = bytearray(b'{"jsonrpc":"2.0","id":7,"result":[' + b"{" * (1 << 22) + b"]}")
    assert LogScanner().read(body, NUMBER) is None
