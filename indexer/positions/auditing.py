"""The audit loop: a share of what was read is audited in the background, slowly."""

import logging
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

from indexer.chains.connections import Connection
from indexer.positions.audit import Auditor, ReadingAudit
from indexer.positions.protocol.audits import cut_long_readings, next_reading
from indexer.positions.tally import Tally
from indexer.positions.verdict import Finding, Verdict
from indexer.rpc import BudgetSpent, EndpointPool, Level, RpcError

log = logging.getLogger(__name__)

SHARE = 0.01
"""Of the readings, drawn by their number."""
PAUSE_BETWEEN = 5.0
"""Seconds between two readings."""
NOTHING_TO_DO = 60.0
"""Seconds before it is looked again for readings to audit."""
SETTLED_AFTER = timedelta(minutes=10)
"""How old a reading must be: until then it may grow."""


class AuditLoop:
    """Audits a share of one chain's readings, each once; `step` like those of the other loops.

    It may share a thread with the historic loop, and its connection.
    """

    def __init__(
        self,
        chain: str,
        connection: Connection,
        pool: EndpointPool,
        *,
        level: Level = Level.AGREED,
        share: float = SHARE,
        pause_between: float = PAUSE_BETWEEN,
        settled_after: timedelta = SETTLED_AFTER,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.chain = chain
        self.connection = connection
        self.level = level
        self.share = share
        self.pause_between = pause_between
        self.settled_after = settled_after
        self.clock = clock
        self.tally = Tally()
        self.hand: ReadingAudit | None = None
        self.passed: set[int] = set()
        self.failed: set[int] = set()
        self.next_at = float("-inf")
        self.pool = pool

    @property
    def pool(self) -> EndpointPool:
        return self._pool

    @pool.setter
    def pool(self, pool: EndpointPool) -> None:
        """Go on with these endpoints; what is in hand is begun anew, and what could not be compared is tried again."""
        self.given = pool
        self._pool = pool.for_purpose("audit")
        self.auditor = Auditor(self.chain, self.connection, self._pool, level=self.level, tally=self.tally)
        self.hand = None
        self.passed.clear()
        self.failed.clear()

    def step(self) -> bool:
        """Audit a piece of a reading. False when there is nothing to do now. Raises RpcError, psycopg.Error."""
        if self.clock() < self.next_at:
            return False
        if self.hand is None and not self.take_up():
            return False
        assert self.hand is not None
        try:
            verdict = self.hand.step()
        except BudgetSpent as error:
            log.info("%s: no more audits now: %s", self.chain, error)
            self.rest(error.retry_after or NOTHING_TO_DO)
            return False
        except RpcError:
            # What no endpoint answers for, since all others have pruned it say, holds up nobody.
            self.failed.add(self.hand.subject.kept.id)
            self.rest(self.pause_between)
            raise
        if verdict is not None:
            self.take(verdict)
        return True

    def take_up(self) -> bool:
        """Take the next reading in hand."""
        cut_long_readings(self.connection)
        reading = next_reading(self.connection, self.share, self.settled_after, self.passed | self.failed)
        if reading is None:
            self.failed.clear()
            self.next_at = self.clock() + NOTHING_TO_DO
            return False
        self.hand = self.auditor.begin(reading)
        self.passed.add(reading)
        return self.hand is not None

    def rest(self, seconds: float) -> None:
        """Leave what is in hand for another time."""
        if self.hand is not None:
            self.passed.discard(self.hand.subject.kept.id)
        self.hand = None
        self.next_at = self.clock() + seconds

    def take(self, verdict: Verdict) -> None:
        self.hand = None
        self.next_at = self.clock() + self.pause_between
        say = log.info if verdict.finding in (Finding.AGREES, Finding.CHANGED, Finding.INCOMPARABLE) else log.warning
        say("%s", verdict.sentence(self.chain))
