"""How many requests a day one chain may cost, whichever of its endpoints they go to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from time import time
from typing import Literal

from indexer.rpc.errors import Throttled

Purpose = Literal["head", "historic", "audit"]

SHARES: Mapping[Purpose, float] = {"head": 1.0, "historic": 0.9, "audit": 0.5}
"""Part of the day's requests at which each purpose stops, so that the head is followed to the last one."""
DAY = 86_400


class BudgetSpent(Throttled):
    """The requests that a purpose may use of this day's budget are used: `retry_after` seconds until there are more."""


class Budget:
    """Requests per UTC day, None for as many as it takes. Safe to share between threads.

    `used` counts those of this day; a worker that knows of earlier ones begins with them. `wall` gives Unix seconds.
    """

    def __init__(self, per_day: int | None, *, wall: Callable[[], float] = time, used: int = 0) -> None:
        if per_day is not None and per_day < 1:
            raise ValueError(f"{per_day} requests a day are no budget: give at least 1, or None for no limit")
        self.per_day = per_day
        self.used = used
        self._wall = wall
        self._day = int(wall() // DAY)
        self._lock = threading.Lock()

    def take(self, purpose: Purpose, requests: int = 1) -> None:
        """Count requests that are about to leave. Raises BudgetSpent, and counts nothing, where that is too many."""
        with self._lock:
            now = self._wall()
            # A clock that is set back begins no new day.
            if int(now // DAY) > self._day:
                self._day, self.used = int(now // DAY), 0
            if self.per_day is not None and self.used + requests > self.per_day * SHARES[purpose]:
                raise BudgetSpent(
                    f"{self.used:,} of {self.per_day:,} requests of this day are used, "
                    f"of which {purpose} may use {SHARES[purpose]:.0%}",
                    retry_after=max(1.0, (self._day + 1) * DAY - now),
                )
            self.used += requests
