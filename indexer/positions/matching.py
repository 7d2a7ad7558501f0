"""Match many logs at once: what `WatchIndex.match` says of logs in columns, without looking at each. Pure.

A log's contract and topic0 are found among the watched ones by four words of their 52 bytes, multiplied and added to
one number, by which the watched ones are sorted; then all 52 bytes are compared. Where every job of the contract's
event takes its user from a topic, which most do, the users are cut out by column. All other logs, and those that do not
fit, go to `WatchIndex.match`.
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
from indexer.rpc import Logs

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]

MIX = (0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0xD6E8_FEB8_6659_FD93)
"""Odd numbers that spread the bits of a word."""


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
        self._mix = mix_for(events)
        numbers = mixed(events[:, :20], events[:, 20:], self._mix)
        order = np.argsort(numbers)
        self._numbers, self._events = numbers[order], events[order]
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

    def watched(self, logs: Logs) -> Logs:
        """Those of the logs that some job watches."""
        return logs.take(np.flatnonzero(self._find(logs) >= 0))

    def match(self, logs: Logs) -> Matches:
        """The same as `WatchIndex.match` with `log_digest`; the users of topics are in `found`, each pair once."""
        events = self._find(logs)
        rows = np.flatnonzero(events >= 0)
        logs, events = logs.take(rows), events[rows]
        parts: list[Pairs] = []
        by_hand = self._by_hand[events]
        for slot in self._slots:
            parts.append(_users(logs, slot.jobs[events], slot.topics[events], by_hand))
        # What does not fit is known once all slots have looked, and goes by hand with all its jobs.
        told = self.index.match(logs.take(np.flatnonzero(by_hand)))
        return Matches(
            told.touches,
            told.unreadable,
            len(logs),
            int(self._jobs[events].sum()),
            digest_of(logs, self._jobs[events]),
            distinct(merge(parts)) if parts else EMPTY,
        )

    def _find(self, logs: Logs) -> Numbers:
        """For each log the place of its event, -1 where nobody watches it."""
        if not len(self._events):
            return np.full(len(logs), -1, np.int64)
        topic0 = logs.topics[:, 0]
        places = np.searchsorted(self._numbers, mixed(logs.addresses, topic0, self._mix))
        places[places == len(self._numbers)] = 0
        there = self._events[places]
        same = (there[:, :20] == logs.addresses).all(axis=1)
        same &= (there[:, 20:] == topic0).all(axis=1)
        same &= logs.topic_counts > 0
        return np.where(same, places, -1)


def _users(logs: Logs, jobs: NDArray[np.int32], topics: Numbers, by_hand: Mask) -> Pairs:
    """Whom the logs name for one job each; those in which that is no address are added to `by_hand`."""
    rows = np.flatnonzero((jobs >= 0) & ~by_hand)
    words = logs.topics[rows, topics[rows]]
    fits = (words[:, :12] == 0).all(axis=1) & (topics[rows] < logs.topic_counts[rows])
    by_hand[rows[~fits]] = True
    is_user = fits & (words[:, 12:] != 0).any(axis=1)
    rows = rows[is_user]
    return Pairs(np.ascontiguousarray(words[is_user, 12:]), jobs[rows], logs.blocks[rows])


def mixed(addresses: Bytes, topic0s: Bytes, mix: tuple[int, ...]) -> NDArray[np.uint64]:
    """One number for each contract (n x 20) and topic0 (n x 32)."""
    words = np.empty((len(addresses), 32), np.uint8)
    words[:, :8] = addresses[:, :8]
    words[:, 8:16] = addresses[:, 8:16]
    words[:, 16:24] = addresses[:, 12:]
    words[:, 24:] = topic0s[:, :8]
    return np.asarray((words.view(np.uint64) * np.array(mix, np.uint64)).sum(axis=1, dtype=np.uint64))


def mix_for(events: Bytes) -> tuple[int, ...]:
    """Factors that give every event a number of its own: the usual ones, unless somebody has made two alike."""
    mix: tuple[int, ...] = MIX
    while len(np.unique(mixed(events[:, :20], events[:, 20:], mix))) < len(events):
        mix = tuple(random.getrandbits(64) | 1 for _ in MIX)
    return mix
