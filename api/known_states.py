"""What version every chain's answers have, remembered for a second: a repeated question costs no statement."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import NamedTuple

from indexer.chains.models import Chain
from indexer.positions.versions import read_versions


class Reading(NamedTuple):
    """The versions by slug of these chains, and when they were read."""

    at: float
    chains: Sequence[Chain]
    versions: Mapping[str, str]


NEVER = Reading(float("-inf"), (), {})


class KnownStates:
    """The versions of the chains, at most `seconds` old. Threads may share it: at worst two of them read them."""

    def __init__(self, seconds: float = 1, *, clock: Callable[[], float] = monotonic) -> None:
        self.seconds = seconds
        self.clock = clock
        self.reading = NEVER

    def read(self, chains: Sequence[Chain]) -> Mapping[str, str]:
        """The versions by slug; read anew, too, when the chains are others than at the last reading."""
        reading = self.reading
        now = self.clock()
        if reading.chains is not chains or now - reading.at >= self.seconds:
            # Noted as of before the statement, and replaced as a whole, since other threads read on.
            versions = dict(zip((chain.slug for chain in chains), read_versions(chains), strict=True))
            self.reading = reading = Reading(now, chains, versions)
        return reading.versions

    def forget(self) -> None:
        """Read the versions anew at the next question."""
        self.reading = NEVER
