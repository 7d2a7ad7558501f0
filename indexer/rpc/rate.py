"""How many requests per second one endpoint is sent: doubles until throttled, then halves and rises slowly. Pure."""

from __future__ import annotations

from math import inf, nextafter
from random import Random

START = 50.0
"""Requests per second before anything is known: more than a worker sends to one endpoint as a rule."""
LEAST, MOST = 0.5, 1000.0
RISE = 0.5
"""Requests per second gained per second of full use, once the endpoint has refused some."""
BURST = 1.0
"""Seconds of unused requests that may leave at once."""
FIRST_REST, LONGEST_REST = 1.0, 30.0
"""Seconds of rest where the provider names none; they double with every throttling in a row."""
LONGEST_NAMED = 3600.0
"""Seconds of rest that a provider may ask for; a longer wait is no rate but an absurdity."""


class Rate:
    """The pace of one endpoint; `per_second` is what it is thought to bear, `learned` whether it ever said so.

    Not safe to share between threads by itself.
    """

    def __init__(self, per_second: float | None, random: Random) -> None:
        self.learned = per_second is not None
        self.per_second = START if per_second is None else min(MOST, max(LEAST, per_second))
        self.resting_until = float("-inf")
        self._next = float("-inf")
        self._slowed_at = float("-inf")
        self._in_a_row = 0
        self._random = random

    def free_at(self) -> float:
        """When the next request may leave; a time in the past means now."""
        return self._next

    def take(self, now: float, requests: int = 1) -> float:
        """Reserve the next place for so many requests and return the seconds until it."""
        place = max(self._next, now - BURST)
        self._next = place + requests / self.per_second
        wait = max(0.0, place - now)
        # A difference rounded down would end a hair before the place.
        return wait if now + wait >= place else nextafter(wait, inf)

    def answered(self, left: float, requests: int = 1) -> None:
        """Requests that left then were answered: whatever the answer, the endpoint bears them."""
        if left < self._slowed_at:
            return
        self._in_a_row = 0
        # While nothing was ever refused the pace doubles with every second of full use, as TCP starts (RFC 5681).
        # Afterwards, at the lowest paces a single answer would say too much.
        gain = min(RISE / self.per_second, self.per_second / 10) if self.learned else 1.0
        self.per_second = min(MOST, self.per_second + requests * gain)

    def throttled(self, left: float, now: float, retry_after: float | None) -> None:
        """A request that left then was one too many. All that were under way together halve the pace once."""
        if left >= self._slowed_at:
            self.per_second = max(LEAST, self.per_second / 2)
            self.learned = True
            self._slowed_at = now
            rest = min(LONGEST_REST, FIRST_REST * 2**self._in_a_row) * self._random.uniform(0.5, 1.0)
            self._in_a_row = min(10, self._in_a_row + 1)
        else:
            rest = 0.0
        self.rest(now + (rest if retry_after is None else min(LONGEST_NAMED, retry_after)))

    def rest(self, until: float) -> None:
        """Let nothing leave before this time, and no burst at it."""
        self.resting_until = max(self.resting_until, until)
        self._next = max(self._next, until)
