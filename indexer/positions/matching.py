"""Match many logs at once: what `WatchIndex.match` says of logs in columns, without looking at each. Pure.

A log's contract and topic0 are found among the watched ones by the seven words of their 52 bytes, multiplied and added
to one number. The watched ones are sorted by it and its first bits say where to begin to look; then all seven words are
compared. Where every job of the contract's event takes its user from a topic, which most do, the users are cut out by
column. All other logs, and those that do not fit, go to `WatchIndex.match`.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.positions.column_digest import digest_of
from indexer.positions.definition import Definition
from indexer.positions.pairs import EMPTY, Pairs, distinct, merge
from indexer.positions.watch import Matches, WatchIndex
from indexer.rpc import Logs, in_turn

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]

WORDS = 7
MIX = np.array(
    [
        *(0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0xD6E8_FEB8_6659_FD93),
        *(0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB, 0x8EBC_6AF0_9C88_C6E3),
    ],
    np.uint64,
)
"""Odd numbers that spread the bits of a word."""
DEEPEST = 16
"""Watched events whose numbers may begin alike."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One job of each watched event that has as many: `jobs` is -1 where it has fewer, `topics` the user's place."""

    jobs: NDArray[np.int32]
    topics: NDArray[np.int64]


class Matcher:
    """The jobs of a scan, prepared for logs in columns; `index` has the same jobs for those that go by hand."""

    def __init__(self, jobs: Sequence[tuple[int, Definition]]) -> None:
        self.index = WatchIndex(jobs)
        by_event: defaultdict[bytes, list[tuple[int, Definition]]] = defaultdict(list)
        for job, definition in jobs:
            by_event[definition.contract + definition.topic0].append((job, definition))
        events = np.frombuffer(b"".join(by_event), np.uint8).reshape(-1, 52)
        words = words_of(events[:, :20], events[:, 20:])
        self._mix = mix_for(words)
        numbers = words @ self._mix
        order = np.argsort(numbers)
        # Behind the last is one that no log's number exceeds, so that the search ends there.
        self._numbers = np.append(numbers[order], np.uint64(2**64 - 1))
        self._words = np.append(words[order], np.zeros((1, WORDS), np.uint64), axis=0)
        self._shift = shift_for(len(events))
        counts = np.bincount((numbers >> self._shift).astype(np.int64), minlength=1 << 64 - int(self._shift))
        self._starts = np.cumsum(counts) - counts
        self._deepest = int(counts.max())
        each_event = list(by_event.values())
        watching = [each_event[place] for place in order.tolist()]
        self._jobs = np.array([len(each) for each in watching], np.int64)
        self._by_hand = np.array([any(job.user_topic is None for _, job in each) for each in watching], np.bool_)
        self._slots = [
            Slot(
                np.array([each[place][0] if place < len(each) else -1 for each in watching], np.int32),
                np.array([(each[place][1].user_topic or 0) if place < len(each) else 0 for each in watching], np.int64),
            )
            for place in range(max(map(len, watching), default=0))
        ]

    def is_watched(self, addresses: Bytes, topic0s: Bytes, topic_counts: Bytes) -> Mask:
        """Whether some job watches logs of these contracts, topic0 and numbers of topics: see `indexer.rpc.Wanted`."""
        return self._find(addresses, topic0s, topic_counts) >= 0

    @in_turn
    def match(self, logs: Logs) -> Matches:
        """What `WatchIndex.match` with `log_digest` says of the logs in order, in whatever order they come.

        The users of topics are in `found`, each pair once.
        """
        events = self._find(logs.addresses, logs.topics[:, 0], logs.topic_counts)
        if (events < 0).any():
            rows = np.flatnonzero(events >= 0)
            logs, events = logs.take(rows), events[rows]
        parts: list[Pairs] = []
        by_hand = self._by_hand[events]
        for slot in self._slots:
            parts.append(_users(logs, slot.jobs[events], slot.topics[events], by_hand))
        # What does not fit is known once all slots have looked, and goes by hand with all its jobs.
        told = self.index.match(logs.take(np.flatnonzero(by_hand)).in_order())
        return Matches(
            told.touches,
            told.unreadable,
            len(logs),
            int(self._jobs[events].sum()),
            digest_of(logs, self._jobs[events]),
            distinct(merge(parts)) if parts else EMPTY,
        )

    def _find(self, addresses: Bytes, topic0s: Bytes, topic_counts: Bytes) -> Numbers:
        """For each log the place of its event, -1 where nobody watches it."""
        words = words_of(addresses, topic0s)
        numbers = words @ self._mix
        places = self._starts[numbers >> self._shift]
        for _ in range(self._deepest):
            places += self._numbers[places] < numbers
        rows = np.flatnonzero((self._numbers[places] == numbers) & (topic_counts > 0))
        rows = rows[(self._words[places[rows]] == words[rows]).all(axis=1)]
        found = np.full(len(addresses), -1, np.int64)
        found[rows] = places[rows]
        return found


def _users(logs: Logs, jobs: NDArray[np.int32], topics: Numbers, by_hand: Mask) -> Pairs:
    """Whom the logs name for one job each; those in which that is no address are added to `by_hand`."""
    rows = np.flatnonzero((jobs >= 0) & ~by_hand)
    words = logs.topics[rows, topics[rows]]
    fits = (words[:, :12] == 0).all(axis=1) & (topics[rows] < logs.topic_counts[rows])
    by_hand[rows[~fits]] = True
    is_user = fits & (words[:, 12:] != 0).any(axis=1)
    rows = rows[is_user]
    return Pairs(np.ascontiguousarray(words[is_user, 12:]), jobs[rows], logs.blocks[rows])


def words_of(addresses: Bytes, topic0s: Bytes) -> NDArray[np.uint64]:
    """Contracts (n x 20) and topic0s (n x 32) as words (n x 7)."""
    texts = np.zeros((len(addresses), 8 * WORDS), np.uint8)
    texts[:, :20] = addresses
    texts[:, 20:52] = topic0s
    return texts.view(np.uint64)


def shift_for(events: int) -> np.uint64:
    """By how much a number is shifted so that its first bits are left: some four times as many values as events."""
    return np.uint64(64 - (4 * events + 1).bit_length())


def mix_for(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Factors that give every event a number of its own, few of which begin alike: the usual ones, unless somebody has
    made events for them."""
    mix = MIX
    while True:
        numbers = words @ mix
        starts = np.unique(numbers >> shift_for(len(words)), return_counts=True)[1]
        if len(np.unique(numbers)) == len(words) and starts.max(initial=0) <= DEEPEST:
            return mix
        mix = np.array([random.getrandbits(64) | 1 for _ in range(WORDS)], np.uint64)
