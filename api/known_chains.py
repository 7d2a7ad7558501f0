"""The chains there are, remembered for some seconds so that a lookup costs one statement."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import TypeVar

from django.db import ProgrammingError

from indexer.chains.models import Chain

Answer = TypeVar("Answer")


class KnownChains:
    """The chains by chain id, at most `seconds` old. Threads may share it: at worst two of them read the list."""

    def __init__(self, seconds: float = 10, *, clock: Callable[[], float] = monotonic) -> None:
        self.seconds = seconds
        self.clock = clock
        self.read_at = float("-inf")
        self.chains: tuple[Chain, ...] = ()

    def read(self) -> Sequence[Chain]:
        now = self.clock()
        if now - self.read_at >= self.seconds:
            self.chains = tuple(Chain.objects.all())
            self.read_at = now
        return self.chains

    def ask(self, question: Callable[[Sequence[Chain]], Answer]) -> Answer:
        """Put a question to the chains; once more with a fresh list if a chain was removed since the last reading."""
        try:
            return question(self.read())
        except ProgrammingError:
            self.forget()
            return question(self.read())

    def forget(self) -> None:
        """Read the list anew at the next question."""
        self.read_at = float("-inf")
