"""How long the past will take at the pace seen so far. No clock, no database."""

from collections import deque
from itertools import pairwise

WINDOW_SECONDS = 900.0


class Pace:
    """Blocks a second at which what is left to read has become less over the last WINDOW_SECONDS.

    All who help with a chain's past make it less, on whatever machine. A new scan makes it more, which says nothing of
    the pace and is left out.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def note(self, seconds: float, left: int) -> None:
        """Take a reading of a clock and of the blocks that are left."""
        self._samples.append((seconds, left))
        while len(self._samples) > 2 and seconds - self._samples[1][0] >= WINDOW_SECONDS:
            self._samples.popleft()

    def remaining(self) -> float | None:
        """Seconds until nothing is left, by the newest reading; None while no pace can be told."""
        if not self._samples:
            return None
        ended, left = self._samples[-1]
        if left == 0:
            return 0.0
        began, _ = self._samples[0]
        read = sum(max(0, before - after) for (_, before), (_, after) in pairwise(self._samples))
        return left * (ended - began) / read if read else None
