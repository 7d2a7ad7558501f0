"""Read ranges of final blocks for a set of jobs: at the least measured cost, checked as far as is asked for."""

import math
from collections.abc import Collection, Sequence
from functools import cached_property
from threading import Lock

from indexer.positions.definition import Definition
from indexer.positions.matching import Matcher
from indexer.positions.pieces import Pieces, Reading
from indexer.positions.protocol.ledger import Provenance
from indexer.positions.questions import ADDRESSES_PER_REQUEST, Way, cheapest, ways_to_ask
from indexer.positions.settling import settle
from indexer.positions.watch import WatchIndex
from indexer.rpc import (
    BlockReader,
    BlockUnknown,
    EndpointPool,
    Found,
    Header,
    Level,
    Log,
    Logs,
    Member,
    MethodUnsupported,
    Need,
    Refused,
    RpcError,
    TooLarge,
    Transport,
    Watched,
    check_boundaries,
    differing_blocks,
    is_null_round,
    join,
    join_found,
    linked_headers,
    to_columns,
)

SAMPLE = 100
"""One in so many ranges is read from a second endpoint too, where there is one."""
MOST_WANTED = 10_000
"""Blocks of a range by which endpoints are compared; one that takes so many is as good as any."""
PARTS = 4
"""Answers of a range whose ends are looked at together."""
BLOCKS_AT_ONCE = 50
"""Blocks of a range that is read block by block."""


Anchor = tuple[int, bytes]
"""The number and hash of a block."""


class RangeReader:
    """Reads for one set of jobs; what it learns of an endpoint's ranges and costs is shared by the threads that use it.

    `goal` is the level to reach: CLAIMED compares a sample only.
    """

    def __init__(self, jobs: Sequence[tuple[int, Definition]], goal: Level = Level.CLAIMED) -> None:
        self.jobs = jobs
        self.matcher = Matcher(jobs)
        self.goal = goal
        self.definitions = [definition for _, definition in jobs]
        self._ways: dict[str, list[Way]] = {}
        self._by_address_only: set[str] = set()
        self._ranges = 0
        self._lock = Lock()

    @property
    def index(self) -> WatchIndex:
        return self.matcher.index

    @cached_property
    def watched(self) -> Watched:
        """The watched pairs for whoever asks blooms."""
        return Watched((definition.contract, definition.topic0) for definition in self.definitions)

    def read(
        self,
        pool: EndpointPool,
        first: int,
        limit: int,
        *,
        failures: int = 0,
        steady: bool = False,
        anchor: Anchor | None = None,
    ) -> Reading:
        """Read from block `first` on, to `limit` at most and as far as one reading goes: half as far for each failure.

        `anchor` is a block above that whoever is asked must still have when its logs have come, so that they are of the
        same branch; `steady` makes sure that both ends are the same blocks before and after. The caller sees to it that
        the blocks are final. Raises RpcError, whose `blocks` are those it is about.
        """
        if not self.definitions:
            return Reading(first, limit, provenance=Provenance(self.goal, ()))
        if self.goal >= Level.BLOOM:
            last = min(limit, first + (BLOCKS_AT_ONCE - 1 >> failures))
            reading = self._read_blocks(pool, first, last, anchor)
        else:
            reading = self._read_range(pool, first, limit, failures, steady=steady, anchor=anchor)
            if self.wants_comparison(reading) and len(pool.members) > 1:
                self._compare(pool, reading, anchor)
        reading.matches = self.matcher.match(reading.logs)
        return reading

    def wants_comparison(self, reading: Reading) -> bool:
        return not reading.refused and (self.goal >= Level.AGREED or hash((reading.first, SAMPLE)) % SAMPLE == 0)

    def read_again(
        self, pool: EndpointPool, first: int, last: int, *, but: Collection[str] = (), anchor: Anchor | None = None
    ) -> Reading:
        """Read exactly these blocks once more, from an endpoint that is none of `but`; what is read is not matched."""
        again = Reading(first, last)
        labels: set[str] = set()
        logs: list[Logs] = []
        while first <= last:
            part = self._read_range(pool, first, last, but=but, anchor=anchor)
            logs.append(part.logs)
            again.requests += part.requests
            again.refused |= part.refused
            labels.update(part.provenance.endpoints)
            first = part.last + 1
        again.provenance = Provenance(Level.CLAIMED, tuple(sorted(labels)))
        again.logs = join(logs)
        return again

    def _read_range(
        self,
        pool: EndpointPool,
        first: int,
        limit: int,
        failures: int = 0,
        *,
        steady: bool = False,
        anchor: Anchor | None = None,
        but: Collection[str] = (),
    ) -> Reading:
        def ask(member: Member) -> Reading:
            way, last = self._plan(member, first, limit, failures)
            try:
                before = read_headers(member, sorted({first, last}), anchor) if steady else None
                reading = self._read_from(pool, member, way, first, last)
                # A node that has not got so far answers that there is nothing: what it says must fit its blocks.
                ends = sorted({first, *reading.ends})
                after = read_headers(member, ends, anchor)
                missing = [number for number, header in zip(ends, after, strict=True) if header is None]
                nowhere = [number for number in missing if is_null_round(member.node, number, member.head or 0)]
                check_boundaries(ends, after, reading.logs.of_blocks(ends), nowhere)
                if before is not None and [before[0], before[-1]] != [after[0], after[-1]]:
                    raise BlockUnknown(f"block {last:,} has changed meanwhile", endpoint=member.label)
                reading.top = after[-1]
                return reading
            except RpcError as error:
                # A node that times out does not say that a range was too large for it.
                if isinstance(error, Transport):
                    self._shrink(way, first, last)
                error.blocks = (first, last)
                raise

        wanted = min(limit - first + 1, MOST_WANTED)
        return pool.ask_member(ask, Need(last=first, first=first, blocks=wanted), but=but)

    def _plan(self, member: Member, first: int, limit: int, failures: int) -> tuple[Way, int]:
        """The way to ask this endpoint, and how far: never beyond the head it has shown."""
        head = member.head
        limit = limit if head is None else max(first, min(limit, head))
        with self._lock:
            self._ranges += 1
            way = cheapest(self._ways_of(member), self._ranges, limit - first + 1)
            way.asked_at = self._ranges
            # A range of many answers must only have its ends looked at once; with many questions it has many answers.
            parts = max(1, PARTS // len(way.questions))
            last = min(limit, first + parts * way.estimate.blocks - 1)
        return way, first + ((last - first) >> failures)

    def _ways_of(self, member: Member) -> list[Way]:
        """The ways to ask an endpoint, begun with what was learned of it before."""
        known = self._ways.get(member.label)
        if known is None:
            limits = member.limits
            per_request = min(ADDRESSES_PER_REQUEST, limits.addresses or ADDRESSES_PER_REQUEST)
            known = ways_to_ask(self.definitions, per_request)
            for way in known:
                way.estimate.begin(limits.range_size.get(way.name), limits.blocks, limits.logs)
            self._ways[member.label] = known
        return known[:1] if member.label in self._by_address_only else known

    def _shrink(self, way: Way, first: int, last: int) -> None:
        if first < last:
            with self._lock:
                way.estimate.refused(first, last, TooLarge("no answer in time"))

    def _read_from(self, pool: EndpointPool, member: Member, way: Way, first: int, last: int) -> Reading:
        """Read exactly [first, last] from one endpoint."""
        try:
            reading = self._ask_all(pool, member, way, first, last)
        except (MethodUnsupported, Refused):
            # Some nodes want an address in every question. By address it is known whom they refuse.
            if way.name == "by address":
                raise
            with self._lock:
                self._by_address_only.add(member.label)
                by_address = self._ways_of(member)[0]
            reading = self._ask_all(pool, member, by_address, first, last)
        reading.provenance = Provenance(Level.CLAIMED, (member.label,))
        with self._lock:
            member.limits.range_size[way.name] = way.estimate.blocks
        return reading

    def _compare(self, pool: EndpointPool, reading: Reading, anchor: Anchor | None) -> None:
        """Read the same from a second endpoint; where the two differ, find out who is right."""
        try:
            other = self.read_again(pool, reading.first, reading.last, but=reading.provenance.endpoints, anchor=anchor)
        except RpcError:
            if self.goal >= Level.AGREED:
                raise
            return
        if other.refused:
            return
        if differing_blocks(reading.logs, other.logs):
            reading.logs = settle(BlockReader(pool, self.watched), reading, other)
            check_anchor(pool, anchor)
        labels = {*reading.provenance.endpoints, *other.provenance.endpoints}
        reading.provenance = Provenance(Level.AGREED, tuple(sorted(labels)))

    def _read_blocks(self, pool: EndpointPool, first: int, last: int, anchor: Anchor | None) -> Reading:
        """Block by block, whose hashes are shown canonical by links to one that most endpoints give.

        Where one cannot be read, that is all up to the one before it.
        """
        reading = Reading(first, last)
        logs: list[Log] = []
        reader = BlockReader(pool, self.watched, self.goal)
        level, labels = self.goal, set[str]()
        for header in linked_headers(pool, first, last):
            try:
                block = reader.read(header)
            except RpcError as error:
                if reading.top is None:
                    error.blocks = (first, header.number)
                    raise
                reading.last = header.number - 1
                break
            logs += block.logs
            level = min(level, block.level)
            labels.update(block.endpoints)
            reading.top = header
        check_anchor(pool, anchor)
        reading.logs, reading.seen = to_columns(logs), len(logs)
        reading.provenance = Provenance(level, tuple(sorted(labels)))
        return reading

    def _note_addresses(self, pool: EndpointPool, member: Member, addresses: int) -> None:
        """No more than so many addresses are borne in one question: from now on fewer are asked for."""
        if addresses:
            with self._lock:
                pool.note_addresses(member.label, addresses)
                self._ways.pop(member.label, None)

    def _ask_all(self, pool: EndpointPool, member: Member, way: Way, first: int, last: int) -> Reading:
        reading = Reading(first, last)
        pieces = Pieces(
            member.node,
            way,
            reading,
            self._lock,
            self.matcher.is_watched,
            note_cut=lambda logs: pool.note_cut(member.label, logs),
            note_addresses=lambda addresses: self._note_addresses(pool, member, addresses),
        )
        found: list[Found] = []
        start = first
        while start <= last:
            with self._lock:
                until = way.estimate.take(start, last)
            before = len(reading.answers)
            for question in way.questions:
                found += pieces.ask(question, start, until)
            self._learn(way, reading.answers[before:])
            reading.ends.append(until)
            start = until + 1
        reading.seen, reading.logs = join_found(found)
        with self._lock:
            way.measured(last - first + 1, reading.seen)
        return reading

    def _learn(self, way: Way, answers: Sequence[tuple[int, int]]) -> None:
        if answers:
            largest = max(blocks for blocks, _ in answers)
            densest = max(found / blocks for blocks, found in answers)
            with self._lock:
                way.estimate.succeeded(largest, math.ceil(densest * largest))


def read_headers(member: Member, numbers: Sequence[int], anchor: Anchor | None) -> list[Header | None]:
    """The endpoint's headers of these blocks, from who has the anchor.

    Raises BlockUnknown where the anchor is not, or not any more, what it was.
    """
    headers = member.node.headers([*numbers, anchor[0]] if anchor else numbers)
    if anchor is not None:
        there = headers.pop()
        if there is None or there.hash != anchor[1]:
            raise changed(anchor)
    return headers


def check_anchor(pool: EndpointPool, anchor: Anchor | None) -> None:
    """Raises BlockUnknown where most endpoints do not have the anchor, or not any more."""
    if anchor is None:
        return
    header = pool.canonical(anchor[0])
    if header is None or header.hash != anchor[1]:
        raise changed(anchor)


def changed(anchor: Anchor) -> BlockUnknown:
    return BlockUnknown(
        f"block {anchor[0]:,} is not the one that was final: a reorg is under way, or this endpoint lags"
    )
