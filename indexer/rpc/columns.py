"""Many logs as columns: what is asked of every log of a range is asked of whole columns at once. Pure.

A column is a NumPy array with one entry, or one row of bytes, for each log; all have the same order. `data`, whose
length differs from log to log, lies in one array behind `data_ends`. Whoever looks at single logs gets them as
`Log`, made when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from threading import Lock
from typing import NamedTuple, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.rpc.types import MOST_TOPICS, Log

P = ParamSpec("P")
T = TypeVar("T")
Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]
Wanted = Callable[[Bytes, Bytes, Bytes], Mask]
"""Tells of logs by their addresses (n x 20), their topic0 (n x 32) and how many topics they have which are wanted."""

_turn = Lock()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Logs:
    """Logs in columns; to iterate makes every log an object of its own.

    `blocks` and `indexes` are block numbers and log indexes, `hashes` (n x 32) the blocks' hashes, `addresses` (n x 20)
    the contracts', `topics` (n x 4 x 32) zero where a log has fewer than four, whose number is in `topic_counts`.
    `data[data_ends[i]:data_ends[i + 1]]` is log i's data.
    """

    blocks: Numbers
    indexes: Numbers
    hashes: Bytes
    addresses: Bytes
    topic_counts: Bytes
    topics: Bytes
    data: Bytes
    data_ends: Numbers

    def __len__(self) -> int:
        return len(self.blocks)

    def __iter__(self) -> Iterator[Log]:
        for row in range(len(self)):
            topics = self.topics[row, : self.topic_counts[row]]
            data = self.data[self.data_ends[row] : self.data_ends[row + 1]]
            yield Log(
                address=_hex(self.addresses[row]),
                topics=[_hex(topic) for topic in topics],
                data=_hex(data),
                block_number_hex=hex(int(self.blocks[row])),
                block_hash=_hex(self.hashes[row]),
                log_index_hex=hex(int(self.indexes[row])),
            )

    def take(self, rows: Numbers) -> Logs:
        """The logs of these row numbers, in any order."""
        data, data_ends = self._take_data(rows)
        return Logs(
            self.blocks[rows],
            self.indexes[rows],
            self.hashes[rows],
            self.addresses[rows],
            self.topic_counts[rows],
            self.topics[rows],
            data,
            data_ends,
        )

    def _take_data(self, rows: Numbers) -> tuple[Bytes, Numbers]:
        lengths = np.diff(self.data_ends)
        width = len(self.data) // max(len(self), 1)
        if (lengths == width).all():
            return self.data.reshape(len(self), width)[rows].reshape(-1), _ends(lengths[rows])
        ends = _ends(lengths[rows])
        places = np.repeat(self.data_ends[rows] - ends[:-1], lengths[rows]) + np.arange(ends[-1])
        return self.data[places], ends

    def of_blocks(self, numbers: Collection[int]) -> Logs:
        """The logs of these blocks."""
        return self.take(np.flatnonzero(np.isin(self.blocks, list(numbers))))

    def in_order(self) -> Logs:
        """The same logs by block number and log index."""
        return self.take(np.lexsort((self.indexes, self.blocks)))


class Places(NamedTuple):
    """Where logs lie, in columns as in `Logs`."""

    blocks: Numbers
    indexes: Numbers
    hashes: Bytes


class Found(NamedTuple):
    """The wanted ones of `seen` logs that came."""

    seen: int
    logs: Logs


def in_turn(work: Callable[P, T]) -> Callable[P, T]:
    """Let one thread at a time do what is done with many logs: it waits for others that do this or other such work.

    NumPy lets go of the interpreter in each of its many short steps. Threads that then take it from each other need a
    quarter more processor time than one after the other (measured with four).
    """

    @wraps(work)
    def one_at_a_time(*args: P.args, **kwargs: P.kwargs) -> T:
        with _turn:
            return work(*args, **kwargs)

    return one_at_a_time


def no_logs() -> Logs:
    return to_columns([])


def choose(logs: Logs, wanted: Wanted | None) -> Found:
    """The wanted ones of the logs; all of them where nobody chooses."""
    if wanted is None:
        return Found(len(logs), logs)
    return Found(len(logs), logs.take(np.flatnonzero(wanted(logs.addresses, logs.topics[:, 0], logs.topic_counts))))


def join_found(parts: Sequence[Found]) -> Found:
    return Found(sum(part.seen for part in parts), join([part.logs for part in parts]))


def to_columns(logs: Iterable[Log]) -> Logs:
    """Return logs as columns: the slow and obvious way. A log index beyond 2^62 is written as that."""
    given = list(logs)
    count = len(given)
    topics = np.zeros((count, MOST_TOPICS, 32), np.uint8)
    for row, log in enumerate(given):
        for place, topic in enumerate(log.topics):
            topics[row, place] = _bytes(topic)
    data = [bytes.fromhex(log.data[2:]) for log in given]
    return Logs(
        np.array([log.block_number for log in given], np.int64),
        np.array([min(log.log_index, 1 << 62) for log in given], np.int64),
        _rows([_bytes(log.block_hash) for log in given], 32),
        _rows([_bytes(log.address) for log in given], 20),
        np.array([len(log.topics) for log in given], np.uint8),
        topics,
        np.frombuffer(b"".join(data), np.uint8),
        _ends(np.array([len(each) for each in data], np.int64)),
    )


def join(parts: Sequence[Logs]) -> Logs:
    """The logs of all parts, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return no_logs()
    return Logs(
        np.concatenate([part.blocks for part in parts]),
        np.concatenate([part.indexes for part in parts]),
        np.concatenate([part.hashes for part in parts]),
        np.concatenate([part.addresses for part in parts]),
        np.concatenate([part.topic_counts for part in parts]),
        np.concatenate([part.topics for part in parts]),
        np.concatenate([part.data for part in parts]),
        _ends(np.concatenate([np.diff(part.data_ends) for part in parts])),
    )


def same_columns(one: Logs, other: Logs) -> bool:
    """Whether both hold the same logs in the same order."""
    return (
        np.array_equal(one.blocks, other.blocks)
        and np.array_equal(one.indexes, other.indexes)
        and np.array_equal(one.hashes, other.hashes)
        and np.array_equal(one.addresses, other.addresses)
        and np.array_equal(one.topic_counts, other.topic_counts)
        and np.array_equal(one.topics, other.topics)
        and np.array_equal(one.data_ends, other.data_ends)
        and np.array_equal(one.data, other.data)
    )


def are_in_order(first: int, last: int, places: Places, largest_index: int) -> bool:
    """Whether logs lie in blocks `first` to `last`, by block number and log index without repeats, none of which
    exceeds `largest_index`, and every block has one hash."""
    blocks, indexes, hashes = places
    if not len(blocks):
        return True
    if blocks[0] < first or blocks[-1] > last or indexes.max() > largest_index:
        return False
    same = blocks[1:] == blocks[:-1]
    rising = (blocks[1:] > blocks[:-1]) | (same & (indexes[1:] > indexes[:-1]))
    if not rising.all():
        return False
    words = hashes.view(np.uint64)
    return bool((words[1:][same] == words[:-1][same]).all())


def _hex(row: Bytes) -> str:
    return "0x" + row.tobytes().hex()


def _bytes(text: str) -> Bytes:
    return np.frombuffer(bytes.fromhex(text[2:]), np.uint8)


def _rows(values: list[Bytes], width: int) -> Bytes:
    return np.concatenate(values).reshape(-1, width) if values else np.zeros((0, width), np.uint8)


def _ends(lengths: Numbers) -> Numbers:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
