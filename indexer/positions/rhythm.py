"""When a chain's next block may come, by the blocks it has shown. No clock, no node."""

from collections import deque
from itertools import pairwise

KNOWN = 8
"""Intervals that are known before any is relied on."""
REMEMBERED = 32
QUIET = 0.8
"""Part of the shortest interval lately during which no next block is looked for: blocks do not come on the second."""
KEEPS_TIME = 0.5
"""Part of an interval by the blocks' own times that must have passed here as well."""


class Rhythm:
    """The head of one chain over time: each block's own time in whole seconds, and when it was seen by some clock.

    A chain that has made blocks faster than their own times say, as one that is caught up with or made by a test, has
    no rhythm, nor has one with several blocks a second.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int, float]] = deque(maxlen=REMEMBERED)

    def note(self, number: int, timestamp: int, now: float) -> None:
        """Take in the newest block, whether it is another one than last time or not."""
        if self._seen and number < self._seen[-1][0]:
            self._seen.clear()
        if not self._seen or number > self._seen[-1][0]:
            self._seen.append((number, timestamp, now))

    def is_quiet(self, now: float) -> bool:
        """Whether it is too early for another block."""
        return bool(self._seen) and now - self._seen[-1][2] < QUIET * self._shortest()

    def _shortest(self) -> float:
        """Seconds between two blocks, the fewest lately; 0 where that cannot be told."""
        if len(self._seen) <= KNOWN:
            return 0.0
        intervals = [
            ((later[1] - sooner[1]) / (later[0] - sooner[0]), (later[2] - sooner[2]) / (later[0] - sooner[0]))
            for sooner, later in pairwise(self._seen)
        ]
        shortest = min(own for own, _ in intervals)
        return shortest if all(here >= KEEPS_TIME * own for own, here in intervals) else 0.0
