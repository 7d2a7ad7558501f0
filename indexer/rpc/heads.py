"""What most endpoints say: their head, and which block stands at a number. Pure: answers in, a verdict out."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence

from indexer.rpc.errors import Inconsistent
from indexer.rpc.types import Header

PATIENCE = 3
"""Polls in a row that must show a lower head before it is looked into whether the chain reorganised."""
SEEN = 256
"""Heads that are remembered, and tips of one endpoint."""


def majority_head(heads: Sequence[int]) -> int:
    """Return the highest block that more than half of the endpoints have reached; `heads` has each one's own."""
    return sorted(heads, reverse=True)[len(heads) // 2]


def majority_block(answers: Mapping[str, Header | None], number: int) -> Header | None:
    """Return the header of this number that more than half of the endpoints (by label) give.

    None: nobody contradicts, but it is no majority that has the block. Raises Inconsistent where they give different
    hashes and none has a majority.
    """
    votes = Counter(header.hash for header in answers.values() if header is not None)
    for header in answers.values():
        if header is not None and 2 * votes[header.hash] > len(answers):
            return header
    if len(votes) > 1:
        said = ", ".join(f"{label}: 0x{header.hash.hex()}" for label, header in answers.items() if header is not None)
        raise Inconsistent(f"endpoints disagree on block {number:,} ({said})")
    return None


class HeadWatch:
    """The head that is believed: it does not go backwards unless the chain did.

    A lower head is believed after `forget` (a reorg was proved), or when the majority has shown one for PATIENCE polls
    in a row and, at the highest block up to it that was seen as the head before, gives another hash than then, or none
    was seen so low; or when it is so far below that nobody lags like that: the higher one was never this chain's, but a
    gateway's that had asked another. `polled_at` is when all endpoints were asked last. Safe to share between threads.
    """

    def __init__(self) -> None:
        self.believed: Header | None = None
        self.polled_at = float("-inf")
        self._seen: dict[int, bytes] = {}
        self._lower = 0
        self._lock = threading.RLock()

    def is_new(self, header: Header) -> bool:
        """Whether it is above what is believed."""
        believed = self.believed
        return believed is None or header.number > believed.number

    def leaps(self, header: Header) -> bool:
        """Whether it is further above what is believed than blocks come between two polls."""
        return self.believed is not None and self.is_far_above(header, self.believed)

    @staticmethod
    def is_far_above(higher: Header, lower: Header) -> bool:
        return higher.number - lower.number > SEEN

    def note(self, header: Header) -> Header:
        """Take in the majority's head of one poll and return the one to believe."""
        with self._lock:
            if self.believed is None or header.number >= self.believed.number:
                self.believe(header)
                return header
            self._lower += 1
            return self.believed

    def doubt(self, header: Header) -> tuple[int, bytes] | None:
        """Return the block (number, hash as seen) that decides whether the lower `header` is a reorg's; None: not now.

        A number of -1 stands for none that was seen so low, and for a head that is too far below to be asked about.
        """
        with self._lock:
            if self.believed is None or header.number >= self.believed.number or self._lower < PATIENCE:
                return None
            self._lower = 0
            if self.is_far_above(self.believed, header):
                return -1, b""
            number = max((seen for seen in self._seen if seen <= header.number), default=-1)
            return number, self._seen.get(number, b"")

    def believe(self, header: Header) -> None:
        """Take this for the head from now on, whatever was believed before."""
        with self._lock:
            self._lower = 0
            self.believed = header
            for number in [number for number in self._seen if number > header.number]:
                del self._seen[number]
            self._seen.pop(header.number, None)
            self._seen[header.number] = header.hash
            if len(self._seen) > SEEN:
                del self._seen[next(iter(self._seen))]

    def forget(self) -> None:
        with self._lock:
            self.believed = None
            self._seen.clear()
            self._lower = 0
