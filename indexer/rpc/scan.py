"""Read a JSON answer of many logs without parsing each: logs of the same shape have their values at the same places.

A node writes every log with the same fields in the same order, so that two texts of one length mostly differ in hex
digits only. One log of every shape is decoded the obvious way and its text taken apart into what is fixed (names,
quotes, commas) and what is digits; a text of the same length is of that shape if all that is fixed is the same byte for
byte, and all the rest hex digits. That is shown of every byte of the answer, for thousands of logs in one operation;
then their values are cut out by column. What has no such shape is decoded by itself, and an answer in another form is
left to the caller, so nothing is read here that the obvious decoder would read otherwise. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.rpc.columns import Bytes, Logs, Numbers, join, no_logs, to_columns
from indexer.rpc.types import Log

BEGIN = re.compile(rb'\{"jsonrpc":"2\.0",(?:"id":(\d{1,18}),)?"result":(?=\[)')
END = re.compile(rb'\](?:,"id":(\d{1,18}))?\}\s{0,2}\Z')
LONGEST_END = 40
FIELD = re.compile(
    rb'"(\w{1,40})":(?:"0x([0-9a-fA-F]*)"|\[((?:"0x[0-9a-fA-F]{64}",?){0,4}(?<!,))\]|(?:false|null|true|\d{1,16}))([,}])'
)
TOPIC = re.compile(rb'"0x([0-9a-fA-F]{64})"')
SHORTEST_LOG = 200
"""Bytes; what holds more braces is not a list of logs."""
MOST_SHAPES = 512
"""Shapes that are kept of an endpoint's logs, before all are learned anew."""
MOST_LEARNED = 32
"""Shapes that are learned from one answer; logs of others are decoded one by one."""
AT_ONCE = 1024
"""Logs of one shape that are taken apart together: their text fits into a processor's cache."""
LONGEST_NUMBER = 15
"""Hex digits that surely fit into 63 bits."""

LARGEST = (1 << 62) - 1
"""The largest log index that is kept as it is."""

Span = tuple[int, int]
"""Where digits begin and end in a log's text."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Texts of one length with the same fixed bytes: `text` is one of them, `digits` where others may differ.

    `packed` are the spans of all digits: the block's hash, the address, the topics and the data first, then the block
    number, the log index, and what is of no use.
    """

    text: Bytes
    digits: NDArray[np.bool_]
    packed: tuple[Span, ...]
    topics: int
    data: int

    @property
    def even(self) -> int:
        """Digits of what is read as bytes."""
        return 2 * (52 + 32 * self.topics + self.data)


class LogScanner:
    """Reads answers of one endpoint, and learns the shapes of its logs. Safe to share between threads."""

    def __init__(self) -> None:
        self._shapes: dict[int, list[Shape]] = {}
        self._known = 0

    def _keep(self, shape: Shape) -> None:
        if self._known >= MOST_SHAPES:
            self._shapes, self._known = {}, 0
        self._shapes.setdefault(len(shape.text), []).append(shape)
        self._known += 1

    def read(self, body: bytes | bytearray, number: int) -> Logs | None:
        """The logs of the JSON-RPC answer to request `number`, as they come; None where it is in another form."""
        begin, end = BEGIN.match(body), END.search(body, max(0, len(body) - LONGEST_END))
        if begin is None or end is None or {begin[1], end[1]} - {None} != {str(number).encode()}:
            return None
        first, last = begin.end() + 1, end.start()
        if first == last:
            return no_logs()
        text = np.frombuffer(body, np.uint8)
        starts = _find_braces(text, first, last)
        if starts is None or starts[0] != first:
            return None
        ends = np.append(starts[1:] - 1, last)
        if (text[ends[:-1]] != ord(",")).any():
            return None
        return self._read_all(body, text, starts, ends - starts)

    def _read_all(self, body: bytes | bytearray, text: Bytes, starts: Numbers, lengths: Numbers) -> Logs | None:
        parts: list[Logs] = []
        places: list[Numbers] = []
        odd: list[Log] = []
        odd_places: list[int] = []
        learned = 0
        by_length = np.argsort(lengths, kind="stable")
        for rows in np.split(by_length, np.flatnonzero(np.diff(lengths[by_length])) + 1):
            length = int(lengths[rows[0]])
            for known in self._shapes.get(length, ()):
                rows = _read_shape(known, text, starts, rows, parts, places)
                if not len(rows):
                    break
            while len(rows):
                one = bytes(body[starts[rows[0]] : starts[rows[0]] + length])
                log = _decode(one)
                if log is None or log.removed or log.log_index > LARGEST:
                    return None
                shape = _learn(one, log) if learned < MOST_LEARNED else None
                if shape is None:
                    odd.append(log)
                    odd_places.append(int(rows[0]))
                    rows = rows[1:]
                else:
                    learned += 1
                    self._keep(shape)
                    rows = _read_shape(shape, text, starts, rows, parts, places)
        if odd:
            parts.append(to_columns(odd))
            places.append(np.array(odd_places, np.int64))
        return join(parts).take(np.argsort(np.concatenate(places)))


def _find_braces(text: Bytes, first: int, last: int) -> Numbers | None:
    """Where logs begin; None where there are more of them than there could be."""
    found: list[Numbers] = []
    step = 1 << 20
    for start in range(first, last, step):
        part = text[start : min(last, start + step)] == ord("{")
        if np.count_nonzero(part) > len(part) // SHORTEST_LOG + 1:
            return None
        found.append(np.flatnonzero(part) + start)
    starts = np.concatenate(found)
    return starts if len(starts) else None


def _read_shape(
    shape: Shape, text: Bytes, starts: Numbers, rows: Numbers, parts: list[Logs], places: list[Numbers]
) -> Numbers:
    """Add the logs among these rows that are of the shape to `parts` and their rows to `places`; the other rows."""
    length = len(shape.text)
    windows = np.ndarray((len(text) - length + 1,), f"V{length}", text, strides=(1,))
    others: list[Numbers] = []
    for begin in range(0, len(rows), AT_ONCE):
        some = rows[begin : begin + AT_ONCE]
        texts = windows[starts[some]].view(np.uint8).reshape(-1, length)
        fits = texts == shape.text
        fits |= shape.digits
        fitting = fits.all(axis=1)
        packed = np.concatenate([texts[:, start:end] for start, end in shape.packed], axis=1)
        fitting &= _are_hex(packed)
        if not fitting.all():
            others.append(some[~fitting])
            some, packed = some[fitting], packed[fitting]
        if len(some):
            parts.append(_cut(shape, packed))
            places.append(some)
    return np.concatenate(others) if others else rows[:0]


def _are_hex(digits: Bytes) -> NDArray[np.bool_]:
    """For each row whether all its bytes are hex digits."""
    # Bytes below the first digit or letter wrap around to large numbers.
    letters = digits | np.uint8(0x20)
    letters -= np.uint8(ord("a"))
    good = letters < 6
    good |= digits - np.uint8(ord("0")) < 10
    return np.asarray(good.all(axis=1))


def _cut(shape: Shape, packed: Bytes) -> Logs:
    """The values of logs of one shape out of their digits."""
    count = len(packed)
    values = packed >> np.uint8(6)  # 1 for letters
    values *= np.uint8(9)
    values += packed & np.uint8(15)
    pairs = values[:, : shape.even].view(np.dtype("<u2"))
    whole = ((pairs << np.uint16(4)) | (pairs >> np.uint16(8))).astype(np.uint8)
    topics = np.zeros((count, 4, 32), np.uint8)
    data_from = 52 + 32 * shape.topics
    topics[:, : shape.topics] = whole[:, 52:data_from].reshape(count, shape.topics, 32)
    numbers, at = [], shape.even
    for start, end in shape.packed[3 + shape.topics : 5 + shape.topics]:
        number = np.zeros(count, np.int64)
        for place in range(at, at + end - start):
            number <<= 4
            number |= values[:, place]
        numbers.append(number)
        at += end - start
    return Logs(
        numbers[0],
        numbers[1],
        np.ascontiguousarray(whole[:, :32]),
        np.ascontiguousarray(whole[:, 32:52]),
        np.full(count, shape.topics, np.uint8),
        topics,
        whole[:, data_from:].reshape(-1),
        np.arange(count + 1, dtype=np.int64) * shape.data,
    )


def _learn(text: bytes, log: Log) -> Shape | None:
    """The shape of a log's text; None where it has none that is known."""
    spans: dict[bytes, Span] = {}
    topics: list[Span] = []
    at = 1
    while at < len(text):
        field = FIELD.match(text, at)
        if field is None or field[1] in spans:
            return None
        spans[field[1]] = field.span(2) if field[2] is not None else (0, 0)
        if field[1] == b"topics":
            topics = [topic.span(1) for topic in TOPIC.finditer(text, *field.span(3))]
        if (field[4] == b"}") != (field.end() == len(text)):
            return None
        at = field.end()
    used = [spans.pop(name, (0, 0)) for name in (b"blockHash", b"address", b"data", b"blockNumber", b"logIndex")]
    hash, address, data, block, index = used
    if len(topics) != len(log.topics) or not all(0 < end - start <= LONGEST_NUMBER for start, end in (block, index)):
        return None
    rest = [span for span in spans.values() if span[0] < span[1]]
    packed = (hash, address, *topics, data, block, index, *rest)
    digits = np.zeros(len(text), np.bool_)
    for start, end in packed:
        digits[start:end] = True
    return Shape(np.frombuffer(text, np.uint8), digits, packed, len(topics), (data[1] - data[0]) // 2)


def _decode(text: bytes) -> Log | None:
    try:
        return msgspec.json.decode(text, type=Log)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
