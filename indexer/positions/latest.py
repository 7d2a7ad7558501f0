"""The latest loop: from the cursor to the head, block by block above final, and the take-up of new jobs."""

import logging
from collections.abc import Callable, Mapping
from time import monotonic

from indexer.chains.connections import Connection
from indexer.chains.profiles import Finality
from indexer.positions.definition import Definition
from indexer.positions.meter import DISCARDED, LATEST, REORG_BLOCKS, REORGS, Meter
from indexer.positions.protocol.head import Base, Settlement, commit_blocks, hash_at, known_hashes, start_chain
from indexer.positions.protocol.jobs import purge_retired, read_live_jobs
from indexer.positions.protocol.ledger import UNKNOWN
from indexer.positions.protocol.scans import close_scans
from indexer.positions.protocol.state import Started, State, note_head, read_state
from indexer.positions.protocol.store import Stored
from indexer.positions.protocol.takeup import BlockReading, commit_take_up, find_waiting
from indexer.positions.protocol.undo import undo_to
from indexer.positions.reader import RangeReader
from indexer.positions.watch import Matches, WatchIndex
from indexer.rpc import BlockUnknown, Header, Inconsistent, Node, RpcError, Throttled, Transport

log = logging.getLogger(__name__)

RANGES_FROM = 8
"""Blocks behind final from which reading ranges takes fewer requests than reading block by block."""
KEPT_DEPTHS = 10
"""Headers are kept this many finality depths below final, to find the ancestor of a reorg that goes deeper."""
TAKE_UP_SLICE = 50
"""Blocks read for new jobs before the head is looked after again."""
PLAN_EVERY = 10.0
FINAL_EVERY = 6.0
"""Seconds between two looks for jobs whose delay is over, and between two readings of a finality tag."""


class LatestLoop:
    """One chain's latest loop; `connection` holds the chain's lock and nobody else uses it.

    `step` does one unit of work and says whether there was any. It raises RpcError and psycopg.Error, and may be called
    again after both: nothing it knows outlives a failed step except what is read anew.
    """

    def __init__(
        self,
        chain: str,
        connection: Connection,
        node: Node,
        finality: Finality,
        *,
        clock: Callable[[], float] = monotonic,
        meter: Meter | None = None,
    ) -> None:
        self.chain = chain
        self.connection = connection
        self.node = node
        self.finality = finality
        self.clock = clock
        self.meter = meter or Meter()
        self.head: int | None = None
        self.jobs = RangeReader([])
        self.version: int | None = None
        self.tagged: Header | None = None
        self.tagged_at = self.planned_at = float("-inf")
        self.no_ranges_until = 0
        self.ahead: ReadAhead | None = None
        self.reading_ahead = False

    def step(self) -> bool:
        newest = self.read_newest()
        state = self.read_state()
        if state.cursor is None:
            return self.start(newest)
        if self.take_up() or self.tidy():
            return True
        self.load_jobs(state)
        return self.advance(state.started, newest) or self.reading_ahead

    def read_state(self) -> State:
        with self.connection.cursor() as cur:
            return read_state(cur)

    def read_newest(self) -> Header:
        newest = self.node.header("latest")
        if newest is None:
            raise Inconsistent("the node answered null for its latest block")
        if newest.number != self.head:
            note_head(self.connection, newest.number)
            self.head = newest.number
        return newest

    def start(self, newest: Header) -> bool:
        """A new chain's cursor starts at final; what lies before is the historic loop's."""
        final = (
            self.read_tagged() if self.finality.tag else self.node.header(max(0, newest.number - self.finality.depth))
        )
        if final is None:
            raise Inconsistent("the node has no header of its final block")
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
            if not self.ahead.read(self.node, waiting.blocks):
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
            return newest.hash != base.hash and self.undo(state, newest)
        final = self.final_number(state, newest)
        if final - state.cursor >= RANGES_FROM and state.cursor >= self.no_ranges_until:
            return self.advance_range(state, base, newest, final)
        return self.advance_block(state, base, newest, final)

    def is_orphaned(self, newest: Header) -> bool:
        """Whether a head below the cursor proves a reorg: a node that merely lags shows the blocks we know."""
        row = self.connection.execute(
            "SELECT number, hash FROM blocks WHERE number <= %s ORDER BY number DESC LIMIT 1", [newest.number]
        ).fetchone()
        if row is None:
            log.error("%s: the node's newest block %d is older than every stored block", self.chain, newest.number)
            return False
        header = self.node.header(row[0])
        return header is not None and header.hash != row[1]

    def advance_block(self, state: Started, base: Base, newest: Header, final: int) -> bool:
        number = state.cursor + 1
        header = newest if newest.number == number else self.node.header(number)
        if header is None:
            return False
        if header.parent_hash != base.hash:
            return self.undo(state, newest)
        try:
            matches = self.match_block(header)
        except BlockUnknown:
            return False
        settlement = self.settlement(min(final, number))
        stored = commit_blocks(self.connection, base, header, matches, settlement, settled=False)
        return self.note_commit(stored, blocks=1)

    def note_commit(self, stored: Stored | None, *, blocks: int) -> bool:
        """Count what a commit has come to; whether it has stored its batch."""
        if stored is None:
            self.meter.add(DISCARDED, LATEST)
            return False
        self.meter.note_commit(LATEST, blocks, stored.rows)
        return True

    def match_block(self, header: Header) -> Matches:
        if not self.jobs.index.topics:
            return Matches([], [])
        logs = self.node.block_logs(header, self.jobs.index.topics)
        matches = self.jobs.index.match(logs)
        self.meter.note_logs(LATEST, len(logs), matches)
        return matches

    def advance_range(self, state: Started, base: Base, newest: Header, final: int) -> bool:
        """Final blocks, many at a time. The headers at both ends must stand still while the logs are read."""
        at_cursor = self.node.header(state.cursor)
        if at_cursor is None or at_cursor.hash != base.hash:
            return at_cursor is not None and self.undo(state, newest)
        way, last = self.jobs.plan(state.cursor + 1, final) if self.jobs.ways else (None, final)
        header = self.node.header(last)
        matches = Matches([], [])
        if way is not None:
            try:
                reading = self.jobs.read(self.node, way, state.cursor + 1, last)
            except (Transport, Throttled):
                self.jobs.shrink(way, state.cursor + 1, last)
                raise
            except RpcError as error:
                log.warning("%s: reading block by block up to %s: %s", self.chain, f"{last:,}", error)
                self.no_ranges_until = last
                return True
            matches = reading.matches
            self.meter.note_logs(LATEST, reading.logs, matches)
            if reading.refused:
                log.warning("%s: the node refuses ranges for %s", self.chain, ", ".join(sorted(reading.refused)))
                self.no_ranges_until = last
                return True
        if header is None or self.node.header(last) != header:
            return self.note_commit(None, blocks=0)
        stored = commit_blocks(self.connection, base, header, matches, self.settlement(last), settled=True)
        return self.note_commit(stored, blocks=last - state.cursor)

    def final_number(self, state: Started, newest: Header) -> int:
        """The highest block known to be final on the branch that the node shows.

        A depth counts from the node's newest block, whose branch the parent links of the next commit prove. A tag
        names a block: one at or below the cursor must be the one we have.
        """
        if not self.finality.tag:
            return max(state.final, newest.number - self.finality.depth)
        tagged = self.read_tagged()
        if tagged is None or tagged.number < state.final:
            return state.final
        if tagged.number <= state.cursor and self.hash_of(tagged.number) != tagged.hash:
            return state.final
        return tagged.number

    def read_tagged(self) -> Header | None:
        if self.clock() - self.tagged_at >= FINAL_EVERY:
            self.tagged = self.node.header(self.finality.tag or "finalized")
            self.tagged_at = self.clock()
        return self.tagged

    def settlement(self, final: int) -> Settlement:
        return Settlement(final, final - KEPT_DEPTHS * self.finality.depth)

    def undo(self, state: Started, newest: Header) -> bool:
        """Go back to the newest stored block that the node still has; where there is none, read everything again."""
        with self.connection.cursor() as cur:
            known = known_hashes(cur, -1, state.cursor)
        ancestor = find_ancestor(self.node, known)
        if ancestor is None:
            # Below the lowest floor nothing is promised to anybody, whatever branch it was read on.
            bottom = min(self.below_floors(state.cursor), state.cursor, newest.number)
            ancestor = self.node.header(bottom)
            if ancestor is None:
                return False
            log.error("%s: no stored block is canonical any more: all above %d is read again", self.chain, bottom)
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


class ReadAhead:
    """What the blocks above final hold for jobs that wait, by block hash: it stays true whatever the chain does."""

    def __init__(self, jobs: list[tuple[int, Definition]], meter: Meter) -> None:
        self.jobs = jobs
        self.meter = meter
        self.index = WatchIndex(jobs)
        self.by_hash: dict[bytes, Matches] = {}

    def read(self, node: Node, blocks: list[tuple[int, bytes]]) -> bool:
        """Read a slice of the blocks that are still to read; whether that was the last one."""
        missing = [(number, hash_) for number, hash_ in blocks if hash_ not in self.by_hash]
        for number, hash_ in missing[:TAKE_UP_SLICE]:
            header = Header(number=number, hash=hash_, parent_hash=b"", timestamp=0)
            logs = node.block_logs(header, self.index.topics)
            matches = self.by_hash[hash_] = self.index.match(logs)
            self.meter.note_logs(LATEST, len(logs), matches)
        return len(missing) <= TAKE_UP_SLICE

    def readings(self, blocks: list[tuple[int, bytes]]) -> list[BlockReading]:
        return [BlockReading(number, self.by_hash[hash_], UNKNOWN) for number, hash_ in blocks]


def find_ancestor(node: Node, known: Mapping[int, bytes]) -> Header | None:
    """The newest known block that the node has at its number; None when it has none of them."""
    numbers = sorted(known, reverse=True)
    for start in range(0, len(numbers), 50):
        for header in node.headers(numbers[start : start + 50]):
            if header is not None and header.hash == known[header.number]:
                return header
    return None
