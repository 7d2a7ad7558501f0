"""How good an endpoint is, and which to ask: mostly the best, now and then another. Pure: times are passed in."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

WEIGHT = 0.1
"""Of the newest measure in an average."""
EXPLORE = 0.05
"""Part of the questions that go to an endpoint by lot, so that one that has become better is found out."""
STICKY = 1.3
"""Another endpoint is taken up when the one in use costs more than so many times as much."""
UNMEASURED = 0.5
"""The cost of an endpoint that has not answered yet: it is tried soon."""


class Usual:
    """How long each method takes on average, over all endpoints of a pool: what one of them is measured by."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def ratio(self, method: str, seconds: float) -> float:
        """Return how many times as long as usual that is, and learn from it."""
        seconds = max(seconds, 1e-6)
        usual = self._seconds.setdefault(method, seconds)
        self._seconds[method] = usual + WEIGHT * (seconds - usual)
        return seconds / usual


class Score:
    """Moving averages of one endpoint: `slowness`, how many times as long as usual it takes, and `errors`, 0 to 1.

    Not safe to share between threads by itself.
    """

    def __init__(self) -> None:
        self.slowness: float | None = None
        self.errors = 0.0

    @property
    def cost(self) -> float:
        slowness = UNMEASURED if self.slowness is None else self.slowness
        return slowness / max(0.1, 1 - self.errors) ** 2

    def note(self, ratio: float, *, failed: bool) -> None:
        # A quick failure is no quick answer.
        ratio = max(1.0, ratio) if failed else ratio
        self.slowness = ratio if self.slowness is None else self.slowness + WEIGHT * (ratio - self.slowness)
        self.fail(failed)

    def fail(self, failed: bool = True) -> None:
        self.errors += WEIGHT * (failed - self.errors)


def pick(costs: Sequence[float], used: int | None, random: Random) -> int:
    """Return the index of the endpoint to ask; `used` is the index of the one asked last, where it is among them."""
    if len(costs) > 1 and random.random() < EXPLORE:
        return random.randrange(len(costs))
    best = min(range(len(costs)), key=costs.__getitem__)
    return used if used is not None and costs[used] <= STICKY * costs[best] else best
