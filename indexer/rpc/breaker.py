"""A circuit breaker: what fails again and again rests, then one request tries it. Pure: times are passed in."""

from __future__ import annotations

from random import Random

FAILURES = 3
"""Failures in a row that open it."""
FIRST_REST, LONGEST_REST = 2.0, 30.0
"""Seconds of rest; they double as long as the tries fail. A node that is well again is found out within the longest."""
LOOK_AGAIN = 1.0
"""Seconds after which to look again what came of a try."""
PROBE_PATIENCE = 120.0
"""Seconds after which a try that nobody has heard of again is over."""


class Breaker:
    """Closed, requests leave; open, none does; after its rest one at a time does, and its outcome decides.

    Not safe to share between threads by itself.
    """

    def __init__(self, random: Random) -> None:
        self.failures = 0
        self._rest = FIRST_REST
        self._until: float | None = None
        self._probed_at: float | None = None
        self._random = random

    @property
    def closed(self) -> bool:
        return self._until is None

    def free_at(self, now: float) -> float:
        """When the next request may leave; a time in the past means now."""
        if self._until is None:
            return float("-inf")
        if self._probing(now):
            return now + LOOK_AGAIN
        return self._until

    def _probing(self, now: float) -> bool:
        return self._probed_at is not None and now - self._probed_at < PROBE_PATIENCE

    def begin(self, now: float) -> bool:
        """Whether a request may leave now; where the rest is over, it is the one that tries."""
        if self.free_at(now) > now:
            return False
        if self._until is not None:
            self._probed_at = now
        return True

    def end_rest(self) -> None:
        """The rest was waited for: whatever the clock says, the next request may try."""
        if self._until is not None and self._probed_at is None:
            self._until = float("-inf")

    def succeeded(self) -> None:
        """The endpoint answered, be it with a refusal; while it rests, only the one that tries counts."""
        if self._until is not None and self._probed_at is None:
            return
        self.failures = 0
        self._rest = FIRST_REST
        self._until = self._probed_at = None

    def failed(self, now: float) -> None:
        self.failures += 1
        if self._until is None:
            if self.failures >= FAILURES:
                self.open(now)
        elif self._probed_at is not None:
            self._rest = min(LONGEST_REST, 2 * self._rest)
            self.open(now)

    def open(self, now: float, rest: float | None = None) -> None:
        """Let nothing leave before a rest is over, by default the one that its failures have earned."""
        self._until = now + (self._rest if rest is None else rest) * self._random.uniform(0.75, 1.0)
        self._probed_at = None
