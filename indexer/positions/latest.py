"""The latest loop: from the cursor to the head, block by block above final, and the take-up of new jobs."""

import logging
from collections.abc import Callable
from time import monotonic

from indexer.chains.connections import Connection
from indexer.chains.profiles import Finality
from indexer.positions.ancestor import find_ancestor, find_below
from indexer.positions.definition import Definition
from indexer.positions.digest import log_digest
from indexer.positions.meter import DISCARDED, LATEST, REORG_BLOCKS, REORGS, Meter
from indexer.positions.protocol.head import Base, Settlement, commit_blocks, hash_at, known_hashes, start_chain
from indexer.positions.protocol.jobs import purge_retired, read_live_jobs
from indexer.positions.protocol.ledger import Provenance
from indexer.positions.protocol.scans import close_scans
from indexer.positions.protocol.state import Started, State, note_head, read_state
from indexer.positions.protocol.store import Stored
from indexer.positions.protocol.takeup import BlockReading, commit_take_up, find_waiting
from indexer.positions.protocol.undo import undo_to
from indexer.positions.reader import RangeReader
from indexer.positions.watch import Matches
from indexer.rpc import (
    MOST_NULL_ROUNDS,
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
TAKE_UP_SLICE = 50
"""Blocks read for new jobs before the head is looked after again."""
PLAN_EVERY = 10.0
FINAL_EVERY = 6.0
"""Seconds between two looks for jobs whose delay is over, and between two questions for the final block."""
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
        self.goal = goal
        self.behind = behind
        self.clock = clock
        self.meter = meter or Meter()
        self.head: int | None = None
        self.jobs = RangeReader([])
        self.version: int | None = None
        self.newest: Header | None = None
        self.final: Header | None = None
        self.polled_at = self.final_at = self.planned_at = float("-inf")
        self.no_ranges_until = 0
        self.ahead: ReadAhead | None = None
        self.reading_ahead = False

    def step(self) -> bool:
        state = self.read_state()
        newest = self.read_newest(state.cursor)
        if state.cursor is None:
            return self.start(newest)
        if self.take_up() or self.tidy():
            return True
        self.load_jobs(state)
        return self.advance(state.started, newest) or self.reading_ahead

    def read_state(self) -> State:
        with self.connection.cursor() as cur:
            return read_state(cur)

    def read_newest(self, cursor: int | None) -> Header:
        """The head, or the highest block to read; while the cursor is below what was shown just now, that is it."""
        shown = self.newest is not None and self.clock() - self.polled_at < POLL_EVERY
        if shown and self.newest is not None and cursor is not None and cursor < self.newest.number:
            return self.newest
        newest = self.pool.newest()
        if newest.number != self.head:
            note_head(self.connection, newest.number)
            self.head = newest.number
        if self.behind:
            below = self.pool.header(max(0, newest.number - self.behind))
            if below is None:
                raise BlockUnknown(f"no header {self.behind} blocks below the head {newest.number:,}")
            newest = below
        self.newest, self.polled_at = newest, self.clock()
        return newest

    def start(self, newest: Header) -> bool:
        """A new chain's cursor starts at final; what lies before is the historic loop's."""
        final = self.ask_final(newest)
        if final is None:
            raise BlockUnknown("the endpoints have no header of the final block")
        log.info("%s: a new chain; its cursor starts at the final block %s", self.chain, f"{final.number:,}")
        return start_chain(self.connection, final)

    def take_up(self) -> bool:
        """Cover new jobs from here on: read what the blocks above final hold for them, then commit that.

        Where final is far below the head, that is done in slices between blocks, so that the head does not stall.
        """
        self.reading_ahead = False
        waiting = find_waiting(self.connection)
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

    def tidy(self) -> bool:
        """Delete what retired, and scan again what failed and has waited long enough."""
        if purge_retired(self.connection):
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
        header = self.find_next(base, newest)
        if header is None:
            return False
        if self.final is not None and self.final.number == final:
            sure = self.final if final <= header.number else self.confirm(state, header)
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
            header = self.pool.canonical(header.number)
            if header is None or header.parent_hash != base.hash:
                return False
        try:
            matches, provenance = self.match_block(header)
        except BlockUnknown:
            return False
        settlement = self.settlement(min(final, header.number))
        stored = commit_blocks(self.connection, base, header, matches, settlement, settled=False, provenance=provenance)
        return self.note_commit(stored, provenance.level, blocks=header.number - base.number)

    def confirm(self, state: Started, header: Header) -> Header | None:
        """What most endpoints give at a height below a final block that is still to come; None: to be settled with it.

        Few are asked for, so that a long way up block by block does not keep everything for an undo.
        """
        return self.pool.canonical(header.number) if header.number - state.final >= SETTLE_EVERY else None

    def match_block(self, header: Header) -> tuple[Matches, Provenance]:
        return read_block(BlockReader(self.pool, self.jobs.watched, self.goal), self.jobs, header, self.meter)

    def find_next(self, base: Base, newest: Header) -> Header | None:
        """The next block: the next height's or, where that has none (a null round), the first one's above that has.

        That it follows the one at the cursor is for the caller to see.
        """
        for number in range(base.number + 1, min(newest.number, base.number + MOST_NULL_ROUNDS) + 1):
            header = newest if newest.number == number else self.pool.header(number)
            if header is not None:
                return header
        return None

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
        stored = commit_blocks(
            self.connection,
            base,
            header,
            reading.matches,
            self.settlement(reading.last),
            settled=True,
            provenance=reading.provenance,
        )
        return self.note_commit(stored, reading.provenance.level, blocks=reading.last - base.number)

    def final_number(self, state: Started, newest: Header) -> int:
        """The highest block known to be final on the branch that most endpoints show.

        A depth counts from the newest block, whose branch the parent links of the next commit prove; where there are
        several endpoints most of them must give that block, as they must the one of a tag. One at or below the cursor
        must be the one we have.
        """
        if not self.finality.tag and len(self.pool.members) == 1:
            return max(state.final, newest.number - self.finality.depth)
        final = self.read_final(newest)
        if final is None or final.number < state.final:
            return state.final
        if final.number <= state.cursor and self.hash_of(final.number) != final.hash:
            return state.final
        return final.number

    def read_final(self, newest: Header) -> Header | None:
        if self.clock() - self.final_at >= FINAL_EVERY:
            self.final = self.ask_final(newest)
            self.final_at = self.clock()
        return self.final

    def ask_final(self, newest: Header) -> Header | None:
        """The block that most endpoints call final or, where there may be none so deep (a null round), one below it."""
        if self.finality.tag:
            return self.pool.canonical(self.finality.tag)
        return find_below(self.pool, max(0, newest.number - self.finality.depth))

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
        with self.connection.cursor() as cur:
            return hash_at(cur, number)


def read_block(reader: BlockReader, jobs: RangeReader, header: Header, meter: Meter) -> tuple[Matches, Provenance]:
    """What a block holds for these jobs. Raises RpcError."""
    block = reader.read(header)
    matches = jobs.index.match(block.logs, log_digest)
    meter.note_logs(LATEST, len(block.logs), matches)
    return matches, Provenance(block.level, block.endpoints)


class ReadAhead:
    """What the blocks above final hold for jobs that wait, by block hash: it stays true whatever the chain does."""

    def __init__(self, jobs: list[tuple[int, Definition]], meter: Meter) -> None:
        self.jobs = jobs
        self.meter = meter
        self.wanted = RangeReader(jobs)
        self.by_hash: dict[bytes, tuple[Matches, Provenance]] = {}

    def read(self, pool: EndpointPool, goal: Level, blocks: list[tuple[int, bytes]]) -> bool:
        """Read a slice of the blocks that are still to read; whether that was the last one."""
        missing = [hash_ for _, hash_ in blocks if hash_ not in self.by_hash]
        reader = BlockReader(pool, self.wanted.watched, goal)
        for hash_ in missing[:TAKE_UP_SLICE]:
            header = pool.header_by_hash(hash_)
            if header is None:
                raise BlockUnknown(f"no block 0x{hash_.hex()} any more")
            self.by_hash[hash_] = read_block(reader, self.wanted, header, self.meter)
        return len(missing) <= TAKE_UP_SLICE

    def readings(self, blocks: list[tuple[int, bytes]]) -> list[BlockReading]:
        return [BlockReading(number, *self.by_hash[hash_]) for number, hash_ in blocks]
