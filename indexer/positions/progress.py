"""Words about long work, now and then."""

import time
from collections.abc import Callable

EVERY = 5.0
"""Seconds."""


class Progress:
    """Called with what is in hand and how many of its bytes are done; speaks every few seconds."""

    def __init__(self, write: Callable[[str], object], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.write = write
        self.clock = clock
        self.said_at = clock()

    def __call__(self, what: str, done: int) -> None:
        self.say(f"{what}: {done / 1e6:,.0f} MB so far")

    def say(self, words: str) -> None:
        """These words, if it is time to speak."""
        if self.clock() - self.said_at >= EVERY:
            self.said_at = self.clock()
            self.write(words)
