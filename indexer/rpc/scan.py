"""Read a JSON answer of many logs without parsing each: logs of the same shape have their values at the same places.

A node writes every log with the same fields in the same order, so that two texts of one length mostly differ in hex
digits only. One log of every shape is decoded the obvious way and its text taken apart into what is fixed (names,
quotes, commas) and what is digits; a text of the same length is of that shape if all that is fixed is the same byte for
byte, and all the rest hex digits. That is shown of every byte of the answer, for thousands of logs in one operation;
then the places of all and the values of those that are wanted are cut out by column. What has no such shape is decoded
by itself, and an answer in another form is left to the caller, so nothing is read here that the obvious decoder would
read otherwise. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from indexer.rpc.columns import (
    Bytes,
    Found,
    Logs,
    Mask,
    Numbers,
    Places,
    Wanted,
    choose,
    in_turn,
    join,
    no_logs,
    to_columns,
)
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

IN_WORD = np.uint64(1) << np.arange(0, 64, 8, dtype=np.uint64)
"""Eight bytes of which one is 1."""

LARGEST = (1 << 62) - 1
"""The largest log index that is kept as it is."""

Span = tuple[int, int]
"""Where digits begin and end in a log's text."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Texts of one length with the same fixed bytes: `text` is one of them, `digits` where others may differ.

    `packed` are the spans of all digits, those that are looked at in every log first: the block's hash, the contract's
    address, topic0; the block number and the log index; then the other topics and the data; in the end what is of no
    use. `block` and `index` are how many digits these have, `data` is in bytes.
    """

    text: Bytes
    digits: Mask
    packed: tuple[Span, ...]
    block: int
    index: int
    topics: int
    data: int


class Cut:
    """What is cut out of an answer of `count` logs: the places of all in their order, and those that are wanted."""

    def __init__(self, count: int) -> None:
        self.places = Places(np.empty(count, np.int64), np.empty(count, np.int64), np.empty((count, 32), np.uint8))
        self.logs: list[Logs] = []

    def add(self, rows: Numbers, places: Places, logs: Logs) -> None:
        """`rows` are where the places belong."""
        self.places.blocks[rows] = places.blocks
        self.places.indexes[rows] = places.indexes
        self.places.hashes[rows] = places.hashes
        if len(logs):
            self.logs.append(logs)


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

    @in_turn
    def read(
        self,
        body: bytes | bytearray,
        number: int,
        wanted: Wanted | None = None,
        fits: Callable[[Places], bool] | None = None,
    ) -> Found | None:
        """The wanted logs of the JSON-RPC answer to request `number`, in no order.

        None where it is in another form, or where the places of all its logs, as they come, do not fit.
        """
        begin, end = BEGIN.match(body), END.search(body, max(0, len(body) - LONGEST_END))
        if begin is None or end is None or {begin[1], end[1]} - {None} != {str(number).encode()}:
            return None
        first, last = begin.end() + 1, end.start()
        if first == last:
            return Found(0, no_logs())
        text = np.frombuffer(body, np.uint8)
        starts = _find_braces(text, first, last)
        if starts is None or starts[0] != first:
            return None
        ends = np.append(starts[1:] - 1, last)
        if (text[ends[:-1]] != ord(",")).any():
            return None
        cut = self._cut_all(body, text, starts, ends - starts, wanted)
        if cut is None:
            return None
        if fits is not None and not fits(cut.places):
            return None
        return Found(len(starts), join(cut.logs))

    def _cut_all(
        self, body: bytes | bytearray, text: Bytes, starts: Numbers, lengths: Numbers, wanted: Wanted | None
    ) -> Cut | None:
        cut = Cut(len(starts))
        odd: list[Log] = []
        odd_rows: list[int] = []
        learned = 0
        by_length = np.argsort(lengths, kind="stable")
        for rows in np.split(by_length, np.flatnonzero(np.diff(lengths[by_length])) + 1):
            length = int(lengths[rows[0]])
            for known in self._shapes.get(length, ()):
                rows = _cut_shape(known, text, starts, rows, wanted, cut)
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
                    odd_rows.append(int(rows[0]))
                    rows = rows[1:]
                else:
                    learned += 1
                    self._keep(shape)
                    rows = _cut_shape(shape, text, starts, rows, wanted, cut)
        if odd:
            logs, rows = to_columns(odd), np.array(odd_rows, np.int64)
            cut.add(rows, Places(logs.blocks, logs.indexes, logs.hashes), choose(logs, wanted).logs)
        return cut


def _find_braces(text: Bytes, first: int, last: int) -> Numbers | None:
    """Where logs begin; None where there are more of them than there could be."""
    found: list[Numbers] = []
    step = 1 << 20
    part = np.zeros(min(step, last - first + 7 & ~7), np.bool_)
    for start in range(first, last, step):
        size = min(step, last - start)
        np.equal(text[start : start + size], ord("{"), out=part[:size])
        part[size:] = False
        # Looking at eight bytes at a time is four times as fast as at each.
        words = part.view(np.uint64)
        places = np.flatnonzero(words != 0)
        braces = words[places]
        if len(places) > size // SHORTEST_LOG + 1 or (braces & braces - np.uint64(1)).any():
            return None
        found.append(8 * places + np.searchsorted(IN_WORD, braces) + start)
    starts = np.concatenate(found)
    return starts if len(starts) else None


def _cut_shape(shape: Shape, text: Bytes, starts: Numbers, rows: Numbers, wanted: Wanted | None, cut: Cut) -> Numbers:
    """Cut out the logs among these rows that are of the shape; the other rows."""
    length = len(shape.text)
    windows = np.ndarray((len(text) - length + 1,), f"V{length}", text, strides=(1,))
    others: list[Numbers] = []
    for begin in range(0, len(rows), AT_ONCE):
        some = rows[begin : begin + AT_ONCE]
        texts = windows[starts[some]].view(np.uint8).reshape(-1, length)
        fits = texts == shape.text
        fits |= shape.digits
        packed = np.concatenate([texts[:, start:end] for start, end in shape.packed], axis=1)
        hex = _are_hex(packed)
        # Nearly always all fit, which is seen sooner than which.
        if not (fits.all() and hex.all()):
            fitting = fits.all(axis=1) & hex.all(axis=1)
            others.append(some[~fitting])
            some, packed = some[fitting], packed[fitting]
        if len(some):
            _cut_packed(shape, packed, some, wanted, cut)
    return np.concatenate(others) if others else rows[:0]


def _are_hex(digits: Bytes) -> Mask:
    """For each byte whether it is a hex digit."""
    # Bytes below the first digit or letter wrap around to large numbers.
    letters = digits | np.uint8(0x20)
    letters -= np.uint8(ord("a"))
    good: Mask = np.less(letters, 6, out=letters.view(np.bool_))
    decimals = digits - np.uint8(ord("0"))
    good |= np.less(decimals, 10, out=decimals.view(np.bool_))
    return good


def _cut_packed(shape: Shape, packed: Bytes, rows: Numbers, wanted: Wanted | None, cut: Cut) -> None:
    """Cut the values of logs of one shape out of their digits."""
    topic0 = 32 if shape.topics else 0
    head = 2 * (52 + topic0)
    numbers = head + shape.block + shape.index
    rest = numbers + 2 * (32 * shape.topics - topic0 + shape.data)
    values = _values(packed[:, :numbers])
    blocks, indexes = _number(values[:, head : head + shape.block]), _number(values[:, head + shape.block :])
    looked_at = _pairs(values[:, :head])
    hashes, addresses = np.ascontiguousarray(looked_at[:, :32]), np.ascontiguousarray(looked_at[:, 32:52])
    topics = np.zeros((len(rows), 4, 32), np.uint8)
    counts = np.full(len(rows), shape.topics, np.uint8)
    if shape.topics:
        topics[:, 0] = looked_at[:, 52:]
    tail = packed[:, numbers:rest]
    places = Places(blocks, indexes, hashes)
    if wanted is not None:
        mask = np.flatnonzero(wanted(addresses, topics[:, 0], counts))
        if len(mask) < len(rows):
            tail, counts, topics = tail[mask], counts[mask], topics[mask]
            blocks, indexes, hashes, addresses = blocks[mask], indexes[mask], hashes[mask], addresses[mask]
    whole = _pairs(_values(tail))
    others = 32 * shape.topics - topic0
    topics[:, 1 : shape.topics] = whole[:, :others].reshape(len(blocks), others // 32, 32)
    data_ends = np.arange(len(blocks) + 1, dtype=np.int64) * shape.data
    logs = Logs(blocks, indexes, hashes, addresses, counts, topics, whole[:, others:].reshape(-1), data_ends)
    cut.add(rows, places, logs)


def _values(digits: Bytes) -> Bytes:
    """What each hex digit stands for."""
    values = (digits > ord("9")).view(np.uint8)
    values *= np.uint8(9)
    values += digits & np.uint8(15)
    return values


def _pairs(values: Bytes) -> Bytes:
    """Bytes of two hex digits each."""
    pairs = values.view(np.dtype("<u2"))
    return ((pairs << np.uint16(4)) | (pairs >> np.uint16(8))).astype(np.uint8)


def _number(values: Bytes) -> Numbers:
    """Numbers of several hex digits each."""
    number = np.zeros(len(values), np.int64)
    for place in range(values.shape[1]):
        number <<= 4
        number |= values[:, place]
    return number


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
    packed = (hash, address, *topics[:1], block, index, *topics[1:], data, *rest)
    digits = np.zeros(len(text), np.bool_)
    for start, end in packed:
        digits[start:end] = True
    return Shape(
        text=np.frombuffer(text, np.uint8),
        digits=digits,
        packed=packed,
        block=block[1] - block[0],
        index=index[1] - index[0],
        topics=len(topics),
        data=(data[1] - data[0]) // 2,
    )


def _decode(text: bytes) -> Log | None:
    try:
        return msgspec.json.decode(text, type=Log)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
