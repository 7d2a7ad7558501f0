"""What a worker does now and then beside its loops: keep what it learned of endpoints, and learn what it was taught."""

from collections import deque
from collections.abc import Callable
from threading import Lock
from time import monotonic

from indexer.chains.connections import Connection
from indexer.chains.learned import save_limits
from indexer.chains.models import Chain
from indexer.chains.refusals import note_unknown, read_rules
from indexer.rpc import EndpointPool, RpcError, Rulebook

EVERY = 30.0
"""Seconds."""
MOST_UNKNOWN = 100
"""Refusals that nobody knew, kept until the next time; the oldest are dropped."""


class Upkeep:
    """Done by whichever loop has a moment, on that loop's connection; safe to share between them."""

    def __init__(self, chain: Chain, rulebook: Rulebook, *, clock: Callable[[], float] = monotonic) -> None:
        self.chain = chain
        self.rulebook = rulebook
        self.clock = clock
        self.done_at = float("-inf")
        self.unknown: deque[RpcError] = deque(maxlen=MOST_UNKNOWN)
        self.lock = Lock()

    def note_unknown(self, error: RpcError) -> None:
        """A refusal that neither the table nor a taught rule knows; an EndpointPool tells of each."""
        self.unknown.append(error)

    def run(self, connection: Connection, pool: EndpointPool) -> None:
        """Do it where it is due. Raises psycopg.Error."""
        if self.clock() - self.done_at < EVERY or not self.lock.acquire(blocking=False):
            return
        try:
            self.done_at = self.clock()
            self.rulebook.teach(read_rules(connection))
            save_limits(connection, self.chain, pool)
            while self.unknown:
                note_unknown(connection, self.chain, self.unknown[0])
                self.unknown.popleft()
        finally:
            self.lock.release()
