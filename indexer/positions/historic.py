"""The historic loop: claims segments of the past, reads several at once, and commits range by range."""

import logging
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from time import monotonic

from indexer.chains.connections import Connection
from indexer.positions.meter import DISCARDED, HISTORIC, LOOP_ERRORS, Meter
from indexer.positions.pieces import Reading
from indexer.positions.protocol.jobs import set_aside
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
from indexer.positions.reader import RangeReader
from indexer.rpc import BlockUnknown, EndpointPool, Forbidden, Level, RpcError, Throttled, Transport, WrongChain

log = logging.getLogger(__name__)

IN_FLIGHT = 4
ENDPOINT_DELAY = timedelta(seconds=30)
"""How long a segment waits at most when it is the endpoint that is in trouble."""
RENEW_EVERY = LEASE.total_seconds() / 3


class HistoricLoop:
    """One process's historic loop; any number of them may work on a chain, on any machines.

    Reading happens in `in_flight` threads; everything is stored by the thread that calls `step`, on `connection`.
    """

    def __init__(
        self,
        chain: str,
        connection: Connection,
        pool: EndpointPool,
        owner: str,
        *,
        goal: Level = Level.CLAIMED,
        in_flight: int = IN_FLIGHT,
        clock: Callable[[], float] = monotonic,
        meter: Meter | None = None,
    ) -> None:
        self.chain = chain
        self.connection = connection
        self.pool = pool
        self.owner = owner
        self.goal = goal
        self.in_flight = in_flight
        self.clock = clock
        self.meter = meter or Meter()
        self.asked: dict[Future[Reading], Claim] = {}
        self.spared: dict[int, int] = {}
        self.readers: dict[tuple[int, ...], RangeReader] = {}
        self.renewed_at = clock()
        self.threads: Executor = ThreadPoolExecutor(in_flight, thread_name_prefix=f"{chain}-historic")

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
            renew_leases(self.connection, self.owner, [claim.segment for claim in self.asked.values()])
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
            self.commit(claim, Reading(claim.cursor, claim.to_block))
            return
        reader = self.reader_of(claim)
        future = self.threads.submit(
            reader.read, self.pool, claim.cursor, claim.to_block, failures=self.failures(claim), anchor=claim.anchor
        )
        self.asked[future] = claim

    def failures(self, claim: Claim) -> int:
        """How often the range itself has failed, as far as this process knows: each time half as much is asked for."""
        return max(0, claim.attempts - self.spared.get(claim.segment, 0))

    def reader_of(self, claim: Claim) -> RangeReader:
        """One reader for all segments with the same jobs, so that what it learns serves them all."""
        jobs = tuple(job for job, _ in claim.jobs)
        if jobs not in self.readers:
            in_use = {tuple(job for job, _ in asked.jobs) for asked in self.asked.values()}
            self.readers = {key: reader for key, reader in self.readers.items() if key in in_use}
            self.readers[jobs] = RangeReader(claim.jobs, self.goal)
        return self.readers[jobs]

    def take(self, claim: Claim, future: Future[Reading]) -> None:
        try:
            reading = future.result()
        except (Transport, Throttled, Forbidden, WrongChain, BlockUnknown) as error:
            # About the endpoints more than about this range: nothing is split, the segment waits a little.
            self.spared[claim.segment] = claim.attempts + 1 - self.failures(claim)
            self.put_aside(claim, claim.to_block, error, longest=ENDPOINT_DELAY)
        except RpcError as error:
            self.put_aside(claim, error.blocks[1] if error.blocks else claim.to_block, error)
        else:
            self.meter.note_logs(HISTORIC, reading.seen, reading.matches)
            self.spared.pop(claim.segment, None)
            self.set_jobs_aside(claim, reading)
            self.commit(claim, reading)

    def put_aside(self, claim: Claim, last: int, error: RpcError, *, longest: timedelta = LONGEST_DELAY) -> None:
        self.meter.add(LOOP_ERRORS, HISTORIC, type(error).__name__)
        log.warning("%s blocks %s-%s put aside: %s", self.chain, f"{claim.cursor:,}", f"{last:,}", error)
        put_segment_aside(self.connection, self.owner, claim, last, str(error), longest=longest)

    def set_jobs_aside(self, claim: Claim, reading: Reading) -> None:
        for job, definition in claim.jobs:
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
        moved = commit_range(self.connection, self.owner, claim, reading.last, reading.matches, reading.provenance)
        if moved is None:
            self.meter.add(DISCARDED, HISTORIC)
        else:
            blocks = moved.cursor - claim.cursor
            self.meter.note_commit(HISTORIC, blocks, moved.stored, reading.provenance.level)
        return moved

    def close(self, grace: float = 3.0) -> None:
        """Store what has been read within `grace` seconds, and give the segments back."""
        done, _ = wait(self.asked, timeout=grace)
        self.threads.shutdown(wait=False, cancel_futures=True)
        for future, claim in self.asked.items():
            if future in done and not future.exception() and not (reading := future.result()).refused:
                self.commit_range(claim, reading)
            release_segment(self.connection, self.owner, claim.segment)
        if done:
            close_scans(self.connection, segment_finished=True)
        self.asked.clear()
