"""What a worker has done lately, in numbers: its runs, their failures, its items. Pure."""

from collections import deque

LAST_RUNS = 20
"""Runs that the error rate and the latency are of."""
WINDOW = 300.0
"""Seconds that the items a minute are of."""


class Runs:
    """Counts since the process began at `now`, and how it went lately. All times are of one clock, in seconds."""

    def __init__(self, now: float) -> None:
        self.began = now
        self.runs = 0
        self.failures = 0
        self.items = 0
        self.last_run: float | None = None
        self._last: deque[tuple[float, bool]] = deque(maxlen=LAST_RUNS)
        self._items: deque[tuple[float, int]] = deque()

    def note_run(self, now: float, seconds: float, *, failed: bool) -> None:
        self.runs += 1
        self.failures += failed
        self.last_run = now
        self._last.append((seconds, failed))

    def note_items(self, now: float, items: int) -> None:
        self.items += items
        # One number a second is enough, and bounds what is kept.
        if self._items and now - self._items[-1][0] < 1:
            self._items[-1] = (self._items[-1][0], self._items[-1][1] + items)
        else:
            self._items.append((now, items))
        self._forget(now)

    @property
    def error_rate(self) -> float:
        """The part of its last runs that failed, from 0 to 1."""
        return sum(failed for _, failed in self._last) / len(self._last) if self._last else 0.0

    @property
    def latency(self) -> float | None:
        """Seconds that one of its last runs took, on average; None before the first."""
        return sum(seconds for seconds, _ in self._last) / len(self._last) if self._last else None

    def items_per_minute(self, now: float) -> float:
        """Over the last five minutes, or since it began; a worker younger than a second has done nothing yet."""
        self._forget(now)
        seconds = min(now - self.began, WINDOW)
        return sum(items for _, items in self._items) * 60 / seconds if seconds >= 1 else 0.0

    def _forget(self, now: float) -> None:
        while self._items and now - self._items[0][0] > WINDOW:
            self._items.popleft()
