"""The historic loop: claims segments of the past, reads several at once, and commits range by range."""

import logging
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from time import monotonic
from typing import NamedTuple

from indexer.chains.connections import Connection
from indexer.positions.meter import DISCARDED, HISTORIC, LOOP_ERRORS, Meter
from indexer.positions.protocol.jobs import set_aside
from indexer.positions.protocol.ledger import UNKNOWN
from indexer.positions.protocol.scans import close_scans
from indexer.positions.protocol.segments import (
    LEASE,
    LONGEST_DELAY,
    Claim,
    claim_segment,
    commit_range,
    put_segment_aside,
    release_segment,
    renew_leases,
)
from indexer.positions.questions import Way
from indexer.positions.reader import RangeReader, Reading
from indexer.positions.watch import Matches
from indexer.rpc import BlockUnknown, Node, RpcError, Throttled, Transport

log = logging.getLogger(__name__)

IN_FLIGHT = 4
ENDPOINT_DELAY = timedelta(seconds=30)
"""How long a segment waits at most when it is the endpoint that is in trouble."""
RENEW_EVERY = LEASE.total_seconds() / 3


class Asked(NamedTuple):
    """A range of a claimed segment that is being read."""

    claim: Claim
    reader: RangeReader
    way: Way
    last: int


class HistoricLoop:
    """One process's historic loop; any number of them may work on a chain, on any machines.

    Reading happens in `in_flight` threads; everything is stored by the thread that calls `step`, on `connection`.
    """

    def __init__(
        self,
        chain: str,
        connection: Connection,
        node: Node,
        owner: str,
        *,
        in_flight: int = IN_FLIGHT,
        clock: Callable[[], float] = monotonic,
        meter: Meter | None = None,
    ) -> None:
        self.chain = chain
        self.connection = connection
        self.node = node
        self.owner = owner
        self.in_flight = in_flight
        self.clock = clock
        self.meter = meter or Meter()
        self.asked: dict[Future[Reading], Asked] = {}
        self.readers: dict[tuple[int, ...], RangeReader] = {}
        self.renewed_at = clock()
        self.reached = (node, -1)
        self.threads = ThreadPoolExecutor(in_flight, thread_name_prefix=f"{chain}-historic")

    def step(self) -> bool:
        """Claim what is free, commit what has been read. False when there is nothing to do now."""
        self.claim_more()
        if not self.asked:
            return False
        done, _ = wait(self.asked, timeout=1, return_when=FIRST_COMPLETED)
        for future in done:
            self.take(self.asked.pop(future), future)
        if self.clock() - self.renewed_at >= RENEW_EVERY:
            self.renewed_at = self.clock()
            renew_leases(self.connection, self.owner, [asked.claim.segment for asked in self.asked.values()])
        return True

    def claim_more(self) -> None:
        while len(self.asked) < self.in_flight:
            claim = claim_segment(self.connection, self.owner)
            if claim is None:
                return
            self.ask(claim)

    def ask(self, claim: Claim) -> None:
        """Read the next range of a claimed segment in a thread."""
        if not claim.jobs:
            self.commit(claim, Reading(claim.to_block, Matches([], [])))
            return
        reader = self.reader_of(claim)
        way, last = reader.plan(claim.cursor, claim.to_block, failures=claim.attempts)
        future = self.threads.submit(self.read, reader, way, claim.cursor, last)
        self.asked[future] = Asked(claim, reader, way, last)

    def read(self, reader: RangeReader, way: Way, first: int, last: int) -> Reading:
        """In a thread: a node that has not come so far would answer that there is nothing."""
        node = self.node
        if self.reached[0] is not node or self.reached[1] < last:
            self.reached = (node, node.head())
        if self.reached[1] < last:
            raise BlockUnknown(f"its head is {self.reached[1]:,}", endpoint=node.endpoint.label)
        return reader.read(node, way, first, last)

    def reader_of(self, claim: Claim) -> RangeReader:
        """One reader for all segments with the same jobs, so that what it learns serves them all."""
        jobs = tuple(job for job, _ in claim.jobs)
        if jobs not in self.readers:
            in_use = {id(asked.reader) for asked in self.asked.values()}
            self.readers = {key: reader for key, reader in self.readers.items() if id(reader) in in_use}
            self.readers[jobs] = RangeReader(claim.jobs)
        return self.readers[jobs]

    def take(self, asked: Asked, future: Future[Reading]) -> None:
        claim = asked.claim
        try:
            reading = future.result()
        except (Transport, Throttled, BlockUnknown) as error:
            # About the endpoint more than about this range: nothing is split, the segment waits a little.
            if not isinstance(error, BlockUnknown):
                asked.reader.shrink(asked.way, claim.cursor, asked.last)
            self.put_aside(claim, claim.to_block, error, longest=ENDPOINT_DELAY)
        except RpcError as error:
            self.put_aside(claim, asked.last, error)
        else:
            self.meter.note_logs(HISTORIC, reading.logs, reading.matches)
            self.set_jobs_aside(asked, reading)
            self.commit(claim, reading)

    def put_aside(self, claim: Claim, last: int, error: RpcError, *, longest: timedelta = LONGEST_DELAY) -> None:
        self.meter.add(LOOP_ERRORS, HISTORIC, type(error).__name__)
        log.warning("%s blocks %s-%s put aside: %s", self.chain, f"{claim.cursor:,}", f"{last:,}", error)
        put_segment_aside(self.connection, self.owner, claim, last, str(error), longest=longest)

    def set_jobs_aside(self, asked: Asked, reading: Reading) -> None:
        for job, definition in asked.claim.jobs:
            words = reading.refused.get("0x" + definition.contract.hex())
            if words is not None:
                log.warning("%s: job %d of 0x%s put aside: %s", self.chain, job, definition.contract.hex(), words)
                set_aside(self.connection, job, words)

    def commit(self, claim: Claim, reading: Reading) -> None:
        moved = self.commit_range(claim, reading)
        if moved is not None and moved.cursor <= moved.to_block and not reading.refused:
            self.ask(moved)
            return
        # Finished; or some jobs left the scan and the rest is claimed anew; or a reorg or a lost lease made the batch
        # void, and whoever claims the segment next reads it again.
        release_segment(self.connection, self.owner, claim.segment)
        if moved is not None and close_scans(self.connection, segment_finished=moved.cursor > moved.to_block):
            log.info("%s: a scan of the past was closed or opened", self.chain)

    def commit_range(self, claim: Claim, reading: Reading) -> Claim | None:
        moved = commit_range(self.connection, self.owner, claim, reading.last, reading.matches, UNKNOWN)
        if moved is None:
            self.meter.add(DISCARDED, HISTORIC)
        else:
            self.meter.note_commit(HISTORIC, moved.cursor - claim.cursor, moved.stored)
        return moved

    def close(self, grace: float = 3.0) -> None:
        """Store what has been read within `grace` seconds, and give the segments back."""
        done, _ = wait(self.asked, timeout=grace)
        self.threads.shutdown(wait=False, cancel_futures=True)
        for future, (claim, *_) in self.asked.items():
            if future in done and not future.exception() and not (reading := future.result()).refused:
                self.commit_range(claim, reading)
            release_segment(self.connection, self.owner, claim.segment)
        if done:
            close_scans(self.connection, segment_finished=True)
        self.asked.clear()
