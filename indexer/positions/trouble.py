"""What keeps the latest loop from its chain, kept where health can read it: nothing is written while all is well."""

from collections.abc import Callable
from time import monotonic

from indexer.chains.connections import Connection
from indexer.positions.protocol.state import clear_trouble, note_trouble

WORTH_SAYING = 30.0
AGAIN = 60.0
"""Seconds that trouble must have lasted, and after which it is said again: what is older is a dead worker's."""


class Trouble:
    """The trouble of one worker."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self.clock = clock
        self.began: float | None = None
        self.said: float | None = None
        # A worker before this one may have left some.
        self.stored = True

    def is_worth_saying(self) -> bool:
        """The node has not answered as it should: whether that is to be written down now. The first time begins it."""
        now = self.clock()
        if self.began is None:
            self.began = now
        return now - self.began >= WORTH_SAYING and (self.said is None or now - self.said >= AGAIN)

    def say(self, connection: Connection, words: str) -> None:
        self.said = self.clock()
        self.stored = True
        note_trouble(connection, words, self.said - (self.said if self.began is None else self.began))

    def end(self, connection: Connection) -> None:
        """The node has answered."""
        self.began = self.said = None
        if self.stored:
            clear_trouble(connection)
            self.stored = False
