"""Which block most endpoints call final, asked for as often as that changes."""

from collections.abc import Callable

from indexer.chains.profiles import Finality
from indexer.positions.ancestor import find_below
from indexer.rpc import EndpointPool, Header

SOONEST, LATEST = 6.0, 60.0
"""Seconds between two questions for the final block: after one that has brought another block than before, and at most;
where blocks become final many at a time, most questions bring nothing."""


class Finals:
    """The final block of one chain as last told; `header` None before that, or where most had none."""

    def __init__(self, finality: Finality, clock: Callable[[], float]) -> None:
        self.finality = finality
        self.clock = clock
        self.header: Header | None = None
        self.asked_at = float("-inf")
        self.pause = SOONEST

    def read(self, pool: EndpointPool, newest: Header) -> Header | None:
        """The final block, of now or of a moment ago. Raises RpcError."""
        if self.clock() - self.asked_at >= self.pause:
            found = self.ask(pool, newest)
            self.pause = min(LATEST, 2 * self.pause) if found == self.header and found is not None else SOONEST
            self.header, self.asked_at = found, self.clock()
        return self.header

    def ask(self, pool: EndpointPool, newest: Header) -> Header | None:
        """The block that most endpoints call final or, where there may be none so deep (a null round), one below it."""
        if self.finality.tag:
            return pool.canonical(self.finality.tag)
        return find_below(pool, max(0, newest.number - self.finality.depth))
