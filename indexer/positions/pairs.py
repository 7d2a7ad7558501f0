"""Pairs of an address and a job by the hundred thousand, as columns: joined, made distinct, checked for news. Pure.

A key is an address and a job as three big-endian words of 64 bits, 24 bytes without a gap:

    0        8        16     20     24
    | address                | job   |
    | word 0 | word 1 | word 2       |

so that words compared in this order compare pairs as the database does, by address, then by job.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]


class Pairs(NamedTuple):
    """In `blocks[i]` the address `addresses[i]` had a position with the pool of `jobs[i]`.

    Jobs and blocks are not negative.
    """

    addresses: NDArray[np.uint8]
    """(n, 20)"""
    jobs: NDArray[np.int32]
    """(n,)"""
    blocks: NDArray[np.int64]
    """(n,)"""

    @property
    def size(self) -> int:
        """How many there are; a tuple's own length is that of its fields."""
        return len(self.jobs)

    def take(self, which: NDArray[Any] | slice) -> Pairs:
        """Those at these places, in a slice, or where a mask says so."""
        return Pairs(self.addresses[which], self.jobs[which], self.blocks[which])


EMPTY = Pairs(np.empty((0, 20), np.uint8), np.empty(0, np.int32), np.empty(0, np.int64))


def merge(parts: Sequence[Pairs]) -> Pairs:
    """All of several parts, in their order, repeats as they are."""
    if not parts:
        return EMPTY
    if len(parts) == 1:
        return parts[0]
    return Pairs(
        np.concatenate([part.addresses for part in parts]),
        np.concatenate([part.jobs for part in parts]),
        np.concatenate([part.blocks for part in parts]),
    )


def distinct(pairs: Pairs) -> Pairs:
    """Each address and job once, with the least of its blocks, sorted by address, then job.

    All writers store in this order, so that they wait for each other in turn and never in a circle.
    """
    if pairs.size < 2:
        return pairs
    words = _words_of(pairs).view(">u8").astype(np.uint64)
    order = _order_of(words)
    ordered = words[order]
    is_first = np.empty(pairs.size, np.bool_)
    is_first[0] = True
    (ordered[1:] != ordered[:-1]).any(axis=1, out=is_first[1:])
    starts = np.flatnonzero(is_first)
    first = order[starts]
    return Pairs(pairs.addresses[first], pairs.jobs[first], np.minimum.reduceat(pairs.blocks[order], starts))


FEWEST, MOST = 50_000, 1_000_000
ROWS_PER_PAIR = 100


def pairs_to_gather(rows: int) -> int:
    """How many unknown pairs are worth a commit where `rows` are stored.

    A page of the key has some 150 entries and is written whole to PostgreSQL's log when it is first changed after a
    checkpoint: a pair for every hundred rows changes each page about once, and more pairs share that cost. A million
    of them take 32 MB, and about 130 MB while they are sorted.
    """
    return min(max(rows // ROWS_PER_PAIR, FEWEST), MOST)


class KnownPairs:
    """Pairs known to be stored, so that they are not written again: a cache of fixed size that forgets, and never errs.

    `slots` rows of 32 bytes: a key and the block it is known for. A pair has one slot, given by its key, and the one
    noted last keeps it. Whole keys are compared: what is called known has been noted, with this block or an earlier
    one. Note pairs only once they are committed, and clear after anything that deletes rows.
    """

    def __init__(self, slots: int = 1 << 19) -> None:
        """`slots` is a power of two, at least 2."""
        self._shift = np.uint64(64 - (slots.bit_length() - 1))
        self._rows = np.full((slots, 4), NOTHING, np.uint64)

    def unknown(self, pairs: Pairs) -> Pairs:
        """Those that are not known to be stored with their block or an earlier one, in their order."""
        keys = _words_of(pairs)
        found = self._rows[self._slots_of(keys)]
        known = found[:, 3] <= pairs.blocks.view(np.uint64)
        for word in range(3):
            known &= found[:, word] == keys[:, word]
        return pairs.take(~known)

    def note(self, pairs: Pairs) -> None:
        """These are committed, with these blocks or earlier ones."""
        rows = np.empty((pairs.size, 4), np.uint64)
        rows[:, :3] = keys = _words_of(pairs)
        rows[:, 3] = pairs.blocks
        self._rows[self._slots_of(keys)] = rows

    def clear(self) -> None:
        """Rows may have been deleted: nothing is known any more."""
        self._rows.fill(NOTHING)

    def _slots_of(self, keys: Words) -> NDArray[np.intp]:
        mixed: Words = keys[:, 0] * MIX[0] + keys[:, 1] * MIX[1] + keys[:, 2] * MIX[2]
        return (mixed >> self._shift).astype(np.intp)


NOTHING = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
"""An empty slot's block: later than any."""

MIX = np.array([0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9], np.uint64)
"""Odd numbers whose products spread every bit of a word into the high ones, which name the slot."""


def _words_of(pairs: Pairs) -> Words:
    """(n, 3) keys, each word's bytes as they lie: fit to be compared for equality only."""
    keys = np.empty((pairs.size, 24), np.uint8)
    keys[:, :20] = pairs.addresses
    keys.view(">i4")[:, 5] = pairs.jobs
    return keys.view(np.uint64)


def _order_of(words: Words) -> NDArray[np.intp]:
    """The places of these keys in their order.

    One sort by the first word and one by (rank of the first word, job) do, as long as the first 8 bytes of an address
    tell it from all others here, which only addresses made on purpose do not.
    """
    order = np.argsort(words[:, 0])
    ordered = words[order]
    is_other = ordered[1:] != ordered[:-1]
    if not is_other[:, 0].all():
        if (~is_other[:, 0] & (is_other[:, 1] | (ordered[1:, 2] >> 32 != ordered[:-1, 2] >> 32))).any():
            return np.lexsort((words[:, 2], words[:, 1], words[:, 0]))
        ranked = ordered[:, 2] & np.uint64(0xFFFF_FFFF)
        ranked[1:] |= np.cumsum(is_other[:, 0], dtype=np.uint64) << 32
        order = order[np.argsort(ranked)]
    return order
