"""The latest loop: from the cursor to the head, block by block above final, and the take-up of new jobs."""

import logging
from collections.abc import Callable
from time import monotonic

from indexer.chains.connections import Connection
from indexer.chains.profiles import Finality
from indexer.positions.ancestor import find_ancestor, find_below
from indexer.positions.finals import Finals
from indexer.positions.meter import DISCARDED, LATEST, REORG_BLOCKS, REORGS, Meter
from indexer.positions.protocol.head import (
    Base,
    HeadBlock,
    Settlement,
    commit_blocks,
    hash_at,
    known_hashes,
    start_chain,
)
from indexer.positions.protocol.jobs import purge_retired, read_live_jobs
from indexer.positions.protocol.outlook import Outlook, look
from indexer.positions.protocol.scans import close_scans
from indexer.positions.protocol.state import Started, State, note_head
from indexer.positions.protocol.store import Stored
from indexer.positions.protocol.takeup import commit_take_up, find_waiting
from indexer.positions.protocol.undo import undo_to
from indexer.positions.readahead import ReadAhead, find_next, read_blocks
from indexer.positions.reader import RangeReader
from indexer.positions.rhythm import Rhythm
from indexer.rpc import (
    BlockReader,
    BlockUnknown,
    EndpointPool,
    Forbidden,
    Header,
    Level,
    RpcError,
    Throttled,
    Transport,
)

log = logging.getLogger(__name__)

RANGES_FROM = 8
"""Blocks behind final from which reading ranges takes fewer requests than reading block by block."""
KEPT_DEPTHS = 10
"""Headers are kept this many finality depths below final, to find the ancestor of a reorg that goes deeper."""
SETTLE_EVERY = 50
"""Blocks after which one is confirmed to be final on the way up to a final block, where each is read by itself."""
PLAN_EVERY = 10.0
"""Seconds between two looks for jobs whose delay is over."""
POLL_EVERY = 2.0
"""Seconds for which a head that was shown is enough to read on, while the cursor is below it."""


class LatestLoop:
    """One chain's latest loop; `connection` holds the chain's lock and nobody else uses it.

    `goal` is the level to reach for single blocks; `behind` how many blocks the loop stays below the head, where blocks
    are shown before their logs are there. `step` does one unit of work and says whether there was any. It raises
    RpcError and psycopg.Error, and may be called again after both: nothing it knows outlives a failed step except what
    is read anew.
    """

    def __init__(
        self,
        chain: str,
        connection: Connection,
        pool: EndpointPool,
        finality: Finality,
        *,
        goal: Level = Level.PROVED,
        behind: int = 0,
        clock: Callable[[], float] = monotonic,
        meter: Meter | None = None,
    ) -> None:
        self.chain = chain
        self.connection = connection
        self.pool = pool
        self.finality = finality
        self.finals = Finals(finality, clock)
        self.rhythm = Rhythm()
        self.goal = goal
        self.behind = behind
        self.clock = clock
        self.meter = meter or Meter()
        self.head: int | None = None
        self.said: int | None = None
        self.announced = False
        self.jobs = RangeReader([])
        self.version: int | None = None
        self.newest: Header | None = None
        self.seen: Outlook | None = None
        self.polled_at = self.planned_at = float("-inf")
        self.no_ranges_until = 0
        self.ahead: ReadAhead | None = None
        self.reading_ahead = False

    def step(self) -> bool:
        final = self.finals.header
        self.seen = look(self.connection, -1 if final is None else final.number)
        try:
            worked = self.work(self.seen)
        except RpcError:
            self.say_head()
            raise
        self.say_head()
        return worked

    def work(self, seen: Outlook) -> bool:
        newest = self.read_newest(seen.state.cursor)
        if seen.state.cursor is None:
            return self.start(newest)
        if self.take_up(seen) or self.tidy(seen):
            return True
        self.load_jobs(seen.state)
        return self.advance(seen.state.started, newest) or self.reading_ahead

    def expect(self) -> None:
        """A block was announced: the node is asked for its head at the next step, however early that seems."""
        self.announced = True

    def read_newest(self, cursor: int | None) -> Header:
        """The head, or the highest block to read; while the cursor is below what was shown just now, that is it, and
        so it is at the cursor, while it is too early for another block."""
        now = self.clock()
        if self.newest is not None and cursor is not None and not self.announced:
            if cursor < self.newest.number and now - self.polled_at < POLL_EVERY:
                return self.newest
            if cursor == self.newest.number and self.rhythm.is_quiet(now):
                return self.newest
        self.announced = False
        newest = self.pool.newest()
        self.head = newest.number
        self.rhythm.note(newest.number, newest.timestamp, self.clock())
        if self.behind:
            below = self.pool.header(max(0, newest.number - self.behind))
            if below is None:
                raise BlockUnknown(f"no header {self.behind} blocks below the head {newest.number:,}")
            newest = below
        self.newest, self.polled_at = newest, self.clock()
        return newest

    def say_head(self) -> None:
        """Store the head that was shown, where no commit has done so."""
        if self.head is not None and self.head != self.said:
            note_head(self.connection, self.head)
            self.said = self.head

    def start(self, newest: Header) -> bool:
        """A new chain's cursor starts at final; what lies before is the historic loop's."""
        final = self.finals.ask(self.pool, newest)
        if final is None:
            raise BlockUnknown("the endpoints have no header of the final block")
        log.info("%s: a new chain; its cursor starts at the final block %s", self.chain, f"{final.number:,}")
        return start_chain(self.connection, final)

    def take_up(self, seen: Outlook) -> bool:
        """Cover new jobs from here on: read what the blocks above final hold for them, then commit that.

        Where final is far below the head, that is done in slices between blocks, so that the head does not stall.
        """
        self.reading_ahead = False
        waiting = find_waiting(self.connection) if seen.waiting else None
        if waiting is None:
            self.ahead = None
            return False
        if self.ahead is None or self.ahead.jobs != waiting.jobs:
            self.ahead = ReadAhead(waiting.jobs, self.meter)
        try:
            if not self.ahead.read(self.pool, self.goal, waiting.blocks):
                self.reading_ahead = True
                return False
        except BlockUnknown:
            # Orphaned meanwhile: the undo comes first, and the jobs wait for the next step.
            return False
        stored = commit_take_up(self.connection, waiting, self.ahead.readings(waiting.blocks))
        if stored is not None:
            log.info("%s: %s new jobs taken up", self.chain, f"{len(waiting.jobs):,}")
        return self.note_commit(stored, blocks=0)

    def tidy(self, seen: Outlook) -> bool:
        """Delete what retired, and scan again what failed and has waited long enough."""
        if seen.retired and purge_retired(self.connection):
            return True
        if self.clock() - self.planned_at < PLAN_EVERY:
            return False
        self.planned_at = self.clock()
        return close_scans(self.connection)

    def load_jobs(self, state: State) -> None:
        if state.watch_version != self.version:
            live = read_live_jobs(self.connection)
            self.jobs = RangeReader(live.jobs)
            self.version = live.watch_version

    def advance(self, state: Started, newest: Header) -> bool:
        base = Base(state.cursor, self.hash_of(state.cursor) or b"", self.version or 0)
        if newest.number < state.cursor:
            return self.is_orphaned(newest) and self.undo(state, newest)
        if newest.number == state.cursor:
            return newest.hash != base.hash and not self.stands(base) and self.undo(state, newest)
        final = self.final_number(state, newest)
        if final - state.cursor >= RANGES_FROM and state.cursor >= self.no_ranges_until:
            return self.advance_range(state, base, newest, final)
        return self.advance_block(state, base, newest, final)

    def is_orphaned(self, newest: Header) -> bool:
        """Whether a head below the cursor proves a reorg: endpoints that merely lag show the blocks we know."""
        row = self.connection.execute(
            "SELECT number, hash FROM blocks WHERE number <= %s ORDER BY number DESC LIMIT 1", [newest.number]
        ).fetchone()
        if row is None:
            log.error("%s: the newest block %d is older than every stored block", self.chain, newest.number)
            return False
        header = self.pool.canonical(row[0])
        return header is not None and header.hash != row[1]

    def stands(self, base: Base) -> bool:
        """Whether most endpoints still have the block at the cursor: a single one may be on a branch of its own.

        Where they have none there, that may be a null round of another branch: an undo finds out.
        """
        header = self.pool.canonical(base.number)
        return header is not None and header.hash == base.hash

    def advance_block(self, state: Started, base: Base, newest: Header, final: int) -> bool:
        headers = find_next(self.pool, base, newest)
        if len(headers) > 1 and headers[0].parent_hash == base.hash:
            group = self.settled_together(state, base, headers, final)
            if group is not None:
                return self.advance_together(base, *group)
        return bool(headers) and self.advance_one(state, base, newest, final, headers[0])

    def advance_one(self, state: Started, base: Base, newest: Header, final: int, header: Header) -> bool:
        known = self.finals.header
        if known is not None and known.number == final:
            sure = known if final <= header.number else self.confirm(state, header)
            if sure is not None and base.number < sure.number <= header.number:
                # Whoever gave the header may be on a branch of its own; what is final is to be stored itself.
                header = sure
            final = sure.number if sure is not None else state.final
        if header.parent_hash != base.hash:
            if not self.stands(base):
                try:
                    return self.undo(state, newest)
                except BlockUnknown:
                    return False
            other = self.pool.canonical(header.number)
            if other is None or other.parent_hash != base.hash:
                return False
            header = other
        return self.advance_together(base, [header], final)

    def settled_together(
        self, state: Started, base: Base, headers: list[Header], final: int
    ) -> tuple[list[Header], int] | None:
        """As many of these blocks as one commit may store, with the final block that it may tell; None where who gave
        them is on another branch than most, or may be, so that the next block is looked at by itself."""
        known = self.finals.header
        if known is None or known.number != final:
            return headers, final
        if final > headers[-1].number:
            headers = [header for header in headers if header.number - state.final <= SETTLE_EVERY]
            sure = self.confirm(state, headers[-1]) if headers else None
            if not headers or (sure is not None and sure.hash != headers[-1].hash):
                return None
            return headers, state.final if sure is None else sure.number
        if final > base.number and known.hash not in {header.hash for header in headers}:
            return None
        return headers, final

    def advance_together(self, base: Base, headers: list[Header], final: int) -> bool:
        """Read blocks that follow each other and the base, and store as many as could be read in one commit."""
        try:
            read = read_blocks(BlockReader(self.pool, self.jobs.watched, self.goal), self.jobs, headers, self.meter)
        except BlockUnknown:
            return False
        return self.commit(base, read, final, settled=False)

    def commit(self, base: Base, read: list[HeadBlock], final: int, *, settled: bool) -> bool:
        last = read[-1].header.number
        settlement = self.settlement(min(final, last))
        stored = commit_blocks(self.connection, base, read, settlement, settled=settled, head=self.head)
        if stored is None:
            return self.note_commit(None, blocks=0)
        self.said, below = self.head, base.number
        for header, _, provenance in read:
            self.meter.note_commit(LATEST, header.number - below, stored.rows, provenance.level)
            below, stored = header.number, stored._replace(rows=0)
        return True

    def confirm(self, state: Started, header: Header) -> Header | None:
        """What most endpoints give at a height below a final block that is still to come; None: to be settled with it.

        Few are asked for, so that a long way up block by block does not keep everything for an undo.
        """
        return self.pool.canonical(header.number) if header.number - state.final >= SETTLE_EVERY else None

    def note_commit(self, stored: Stored | None, level: Level | None = None, *, blocks: int) -> bool:
        """Count what a commit has come to; whether it has stored its batch."""
        if stored is None:
            self.meter.add(DISCARDED, LATEST)
            return False
        self.meter.note_commit(LATEST, blocks, stored.rows, level)
        return True

    def advance_range(self, state: Started, base: Base, newest: Header, final: int) -> bool:
        """Final blocks, many at a time. The headers at both ends must stand still while the logs are read."""
        if not self.stands(base):
            return self.undo(state, newest)
        try:
            reading = self.jobs.read(self.pool, base.number + 1, final, steady=True)
        except (Transport, Throttled, Forbidden):
            raise
        except RpcError as error:
            last = error.blocks[1] if error.blocks else base.number + RANGES_FROM
            log.warning("%s: reading block by block up to %s: %s", self.chain, f"{last:,}", error)
            self.no_ranges_until = last
            return True
        self.meter.note_logs(LATEST, reading.seen, reading.matches)
        if reading.refused:
            log.warning("%s: ranges are refused for %s", self.chain, ", ".join(sorted(reading.refused)))
            self.no_ranges_until = reading.last
            return True
        header = self.pool.canonical(reading.last)
        if header is None:
            # Nobody has it now, or nobody ever will (a null round).
            self.no_ranges_until = reading.last
            return True
        if reading.top is not None and reading.top.hash != header.hash:
            for label in reading.provenance.endpoints:
                self.pool.blame(label, "inconsistent")
            return self.note_commit(None, blocks=0)
        read = HeadBlock(header, reading.matches, reading.provenance)
        return self.commit(base, [read], reading.last, settled=True)

    def final_number(self, state: Started, newest: Header) -> int:
        """The highest block known to be final on the branch that most endpoints show.

        A depth counts from the newest block, whose branch the parent links of the next commit prove; where there are
        several endpoints most of them must give that block, as they must the one of a tag. One at or below the cursor
        must be the one we have.
        """
        if not self.finality.tag and len(self.pool.members) == 1:
            return max(state.final, newest.number - self.finality.depth)
        final = self.finals.read(self.pool, newest)
        if final is None or final.number < state.final:
            return state.final
        if final.number <= state.cursor and self.hash_of(final.number) != final.hash:
            return state.final
        return final.number

    def settlement(self, final: int) -> Settlement:
        return Settlement(final, final - KEPT_DEPTHS * self.finality.depth)

    def undo(self, state: Started, newest: Header) -> bool:
        """Go back to the newest stored block that is still canonical; where there is none, read everything again."""
        with self.connection.cursor() as cur:
            known = known_hashes(cur, -1, state.cursor)
        ancestor = find_ancestor(self.pool, known, newest.number)
        if ancestor is None and self.pool.doubt():
            # Nothing in common: before everything is read again, it is made sure that they serve this chain.
            return False
        if ancestor is None:
            # Below the lowest floor nothing is promised to anybody, whatever branch it was read on.
            bottom = min(self.below_floors(state.cursor), state.cursor, newest.number)
            ancestor = find_below(self.pool, bottom)
            if ancestor is None:
                return False
            log.error("%s: no stored block is canonical any more: all above %d is read again", self.chain, bottom)
        self.pool.forget_heads()
        self.newest = None
        undone = undo_to(self.connection, ancestor)
        if undone is None:
            return False
        self.meter.add(REORGS, "yes" if undone.deep else "no")
        self.meter.add(REORG_BLOCKS, by=undone.blocks)
        say = log.error if undone.deep else log.warning
        say(
            "%s: a reorg took back %d blocks above %s%s",
            self.chain,
            undone.blocks,
            f"{ancestor.number:,}",
            ", deeper than what was final: what it covered is read again" if undone.deep else "",
        )
        return True

    def below_floors(self, otherwise: int) -> int:
        """The block before the first one that any job was promised, 0 at the least; `otherwise` without jobs."""
        row = self.connection.execute("SELECT greatest(min(floor) - 1, 0) FROM jobs HAVING count(*) > 0").fetchone()
        return int(row[0]) if row else otherwise

    def hash_of(self, number: int) -> bytes | None:
        """Of a stored block; as it was when the step began, where it was looked at then."""
        if self.seen is not None and number in self.seen.hashes:
            return self.seen.hashes[number]
        with self.connection.cursor() as cur:
            return hash_at(cur, number)
