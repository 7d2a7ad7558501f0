"""The historic loop: claims segments of the past, reads several at once, and commits many ranges together."""

import logging
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from time import monotonic

from indexer.chains.connections import Connection
from indexer.positions.live import HOLD_SECONDS, RANGES_AT_ONCE
from indexer.positions.meter import DISCARDED, HISTORIC, LOOP_ERRORS, ROWS_STORED, Meter
from indexer.positions.pairs import FEWEST, KnownPairs, pairs_to_gather
from indexer.positions.pieces import Reading
from indexer.positions.protocol.bulk import estimate_rows
from indexer.positions.protocol.jobs import set_aside
from indexer.positions.protocol.scans import close_scans
from indexer.positions.protocol.segments import (
    LEASE,
    LONGEST_DELAY,
    Batch,
    Claim,
    KnownJobs,
    Part,
    claim_segment,
    commit_ranges,
    put_segment_aside,
    release_segment,
    renew_leases,
)
from indexer.positions.reader import RangeReader
from indexer.rpc import (
    BlockUnknown,
    EndpointPool,
    Forbidden,
    Level,
    RpcError,
    Throttled,
    Transport,
    WrongChain,
)

log = logging.getLogger(__name__)

WAITING = 2
"""Ranges that wait for a thread, so that none is idle while another range is claimed, or stored."""
ENDPOINT_DELAY = timedelta(seconds=30)
"""How long a segment waits at most when it is the endpoint that is in trouble."""
LONGEST_HOLD = 20.0
"""The same with many rows; shorter than a lease."""
CLOSE_EVERY = 5.0
"""Seconds after which what segments have finished is told of, where more is being read."""
CLOSE_SHARE = 0.02
"""Of the time, at most, that is spent on telling: with many jobs it takes long."""
RENEW_EVERY = LEASE.total_seconds() / 3


class HistoricLoop:
    """One process's historic loop; any number of them may work on a chain, on any machines.

    Reading happens in `in_flight` threads, and goes on while what was read waits to be stored with more, for `hold`
    seconds at most; everything is stored by the thread that calls `step`, on `connection`.
    """

    def __init__(
        self,
        chain: str,
        connection: Connection,
        pool: EndpointPool,
        owner: str,
        *,
        goal: Level = Level.CLAIMED,
        in_flight: int = RANGES_AT_ONCE,
        hold: float = HOLD_SECONDS,
        clock: Callable[[], float] = monotonic,
        meter: Meter | None = None,
    ) -> None:
        self.chain = chain
        self.connection = connection
        self.pool = pool
        self.owner = owner
        self.goal = goal
        self.in_flight = in_flight
        self.waiting = WAITING
        self.hold = hold
        self.clock = clock
        self.meter = meter or Meter()
        self.asked: dict[Future[Reading], Claim] = {}
        self.held: dict[int, Batch] = {}
        self.held_since = 0.0
        self.gather = pairs_to_gather(0)
        self.jobs = KnownJobs()
        self.known = KnownPairs()
        self.epoch = (0, 0)
        self.closing = self.finished = self.released = False
        self.closed_at = clock()
        self.close_every = CLOSE_EVERY
        self.spared: dict[int, int] = {}
        self.readers: list[RangeReader] = []
        self.renewed_at = clock()
        self.threads: Executor = ThreadPoolExecutor(in_flight, thread_name_prefix=f"{chain}-historic")

    def step(self) -> bool:
        """Claim what is free, take what has been read, store it in time. False when there is nothing to do now."""
        self.claim_more()
        if not self.asked and not self.held:
            return False
        done, _ = wait(self.asked, timeout=min(1, self.hold) if self.held else 1, return_when=FIRST_COMPLETED)
        for future in done:
            if future in self.asked:
                self.take(self.asked.pop(future), future)
        # Reading goes on while this thread stores.
        self.claim_more()
        if self.is_due():
            self.store()
        if self.clock() - self.renewed_at >= RENEW_EVERY:
            self.renewed_at = self.clock()
            renew_leases(self.connection, self.owner, [*self.in_hand(), *self.held])
        return True

    def in_hand(self) -> set[int]:
        """The segments of which something is being read."""
        return {claim.segment for claim in self.asked.values()}

    def claim_more(self) -> None:
        while len(self.asked) < self.in_flight + self.waiting:
            claim = claim_segment(self.connection, self.owner, known=self.jobs)
            if claim is None:
                return
            self.see(claim)
            # Our lease of it has run out: what was read of it before is thrown away, since it is read again.
            self.forget(claim.segment)
            if claim.jobs:
                self.ask(claim)
            else:
                self.keep(claim, Reading(claim.cursor, claim.to_block))

    def forget(self, segment: int) -> None:
        """Drop what is being read of a segment, and what of it waits to be stored."""
        self.held.pop(segment, None)
        self.asked = {future: claim for future, claim in self.asked.items() if claim.segment != segment}

    def see(self, claim: Claim) -> None:
        """Forget what was stored when rows may have been deleted since."""
        epoch = (claim.rewinds, claim.deletions)
        if epoch != self.epoch:
            self.known.clear()
            self.epoch = epoch

    def ask(self, claim: Claim) -> None:
        """Read the next range of a claimed segment in a thread."""
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
        for reader in self.readers:
            if reader.jobs == claim.jobs:
                return reader
        self.readers = [*self.readers[-RANGES_AT_ONCE:], RangeReader(claim.jobs, self.goal)]
        return self.readers[-1]

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
            self.keep(claim, reading)
            if reading.refused:
                # Some jobs have left the scan: the segment is claimed anew for the rest.
                self.store()
            elif reading.last < claim.to_block and not self.closing:
                self.ask(claim._replace(cursor=reading.last + 1, attempts=0))

    def put_aside(self, claim: Claim, last: int, error: RpcError, *, longest: timedelta = LONGEST_DELAY) -> None:
        if claim.segment in self.held:
            self.store()
        self.meter.add(LOOP_ERRORS, HISTORIC, type(error).__name__)
        log.warning("%s blocks %s-%s put aside: %s", self.chain, f"{claim.cursor:,}", f"{last:,}", error)
        put_segment_aside(self.connection, self.owner, claim, last, str(error), longest=longest)

    def set_jobs_aside(self, claim: Claim, reading: Reading) -> None:
        for job, definition in claim.jobs if reading.refused else ():
            words = reading.refused.get("0x" + definition.contract.hex())
            if words is not None:
                log.warning("%s: job %d of 0x%s put aside: %s", self.chain, job, definition.contract.hex(), words)
                set_aside(self.connection, job, words)

    def keep(self, claim: Claim, reading: Reading) -> None:
        """Hold what was read until it is stored, without the pairs that are known to be."""
        matches = replace(reading.matches, found=self.known.unknown(reading.matches.found))
        if not self.held:
            self.held_since = self.clock()
        held = self.held.get(claim.segment, Batch(claim, ()))
        part = Part(claim.cursor, reading.last, matches, reading.provenance)
        self.held[claim.segment] = held._replace(parts=(*held.parts, part))

    @property
    def held_rows(self) -> int:
        """Rows of logs, and of metadata, that wait to be stored."""
        matches = [part.matches for batch in self.held.values() for part in batch.parts]
        return sum(each.found.size + len(each.touches) for each in matches)

    def is_due(self) -> bool:
        """Whether what is held is to be stored now."""
        return bool(self.held) and (
            not self.asked or self.held_rows >= self.gather or self.clock() - self.held_since >= self.longest_hold
        )

    @property
    def longest_hold(self) -> float:
        """Longer where more is to be gathered."""
        return min(self.hold * self.gather / FEWEST, max(self.hold, LONGEST_HOLD))

    def store(self) -> None:
        """Store all that is held; what is thrown away is read again by whoever claims its segment next."""
        batches = list(self.held.values())
        self.held = {}
        committed = commit_ranges(self.connection, self.owner, batches)
        for batch, moved in zip(batches, committed.claims, strict=True):
            segment = batch.claim.segment
            if moved is None:
                self.meter.add(DISCARDED, HISTORIC)
                # What is being read of the segment would come behind a gap.
                self.forget(segment)
            else:
                self.see(moved)
                for first, last, _, provenance in batch.parts:
                    self.meter.note_commit(HISTORIC, last + 1 - first, 0, provenance.level)
                self.finished |= moved.cursor > moved.to_block
            if segment not in self.in_hand():
                release_segment(self.connection, self.owner, segment)
                self.released |= moved is not None
        self.known.note(committed.stored)
        self.meter.add(ROWS_STORED, HISTORIC, by=committed.rows)
        if self.released and (not self.asked or self.clock() - self.closed_at >= self.close_every):
            self.close_scans()

    def close_scans(self) -> None:
        """Bring up to date what is complete, since segments were given back."""
        began = self.clock()
        if close_scans(self.connection, segment_finished=self.finished):
            log.info("%s: a scan of the past was closed or opened", self.chain)
        self.finished = self.released = False
        self.closed_at = self.clock()
        self.close_every = max(CLOSE_EVERY, (self.closed_at - began) / CLOSE_SHARE)
        with self.connection.cursor() as cur:
            self.gather = pairs_to_gather(estimate_rows(cur))

    def close(self, grace: float = 3.0) -> None:
        """Store what has been read within `grace` seconds, and give the segments back."""
        self.closing = True
        segments = {*self.in_hand(), *self.held}
        done, _ = wait(self.asked, timeout=grace)
        self.threads.shutdown(wait=False, cancel_futures=True)
        for future in done:
            if not future.exception() and not future.result().refused:
                self.take(self.asked[future], future)
        self.asked.clear()
        if self.held:
            self.store()
        for segment in segments:
            release_segment(self.connection, self.owner, segment)
        if self.released:
            self.close_scans()
