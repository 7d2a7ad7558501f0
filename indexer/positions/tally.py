"""How often each endpoint was compared with what was found to be true, and how often it was wrong. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple


class Share(NamedTuple):
    """Of one endpoint: blocks whose logs were compared, and those of them in which it was wrong."""

    endpoint: str
    compared: int
    mismatches: int

    @property
    def rate(self) -> float:
        return self.mismatches / self.compared if self.compared else 0.0


class Tally:
    """Counts over any number of audits."""

    def __init__(self) -> None:
        self._compared: Counter[str] = Counter()
        self._mismatches: Counter[str] = Counter()

    def note(self, endpoints: Iterable[str], blocks: int, wrong: int = 0) -> None:
        for endpoint in endpoints:
            self._compared[endpoint] += blocks
            self._mismatches[endpoint] += wrong

    def shares(self) -> list[Share]:
        """By label."""
        return [Share(label, self._compared[label], self._mismatches[label]) for label in sorted(self._compared)]
