"""Read blocks again for an audit: from somebody else, from two who must agree, or block by block with proof."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from indexer.positions.pieces import Reading
from indexer.positions.reader import RangeReader
from indexer.positions.settling import MOST, settle
from indexer.positions.tally import Tally
from indexer.rpc import (
    BlockReader,
    BudgetSpent,
    EndpointPool,
    Inconsistent,
    Level,
    Log,
    Need,
    RpcError,
    differing_blocks,
)


class Reread(NamedTuple):
    """Blocks `first` to `last` with the watched logs, the level reached, and who gave them; `blamed` were wrong."""

    first: int
    last: int
    logs: Sequence[Log]
    level: Level
    endpoints: tuple[str, ...]
    blamed: tuple[str, ...] = ()


class Rereader:
    """Reads for audits from one pool; what was compared is told to `tally`."""

    def __init__(self, pool: EndpointPool, tally: Tally) -> None:
        self.pool = pool
        self.tally = tally

    @property
    def labels(self) -> set[str]:
        return {member.label for member in self.pool.members}

    def has_two(self, first: int, last: int) -> bool:
        """Whether two endpoints can be asked for these blocks now."""
        return len(self.pool.usable(Need(last=last, first=first))) > 1

    def read_other(self, reader: RangeReader, first: int, last: int, endpoints: Collection[str]) -> Reread:
        """From an endpoint that is none of these, or from any where there is none but these. Raises RpcError."""
        reading = self.read(reader, first, last, but=set(endpoints) if self.labels - set(endpoints) else ())
        return Reread(first, last, list(reading.logs), Level.CLAIMED, reading.provenance.endpoints)

    def read_two(self, reader: RangeReader, first: int, last: int, endpoints: Collection[str]) -> Reread | None:
        """From one of these endpoints and from another; where the two differ, it is found out who is right.

        Only the first blocks of them where they differ in more than can be read one by one; None where there are no two
        that answer. Raises Inconsistent where nobody can say who is right.
        """
        others = set(endpoints) if self.labels - set(endpoints) else ()
        try:
            one = self.read(reader, first, last, but=others)
            other = self.read_second(reader, one, endpoints)
        except (BudgetSpent, Inconsistent):
            raise
        except RpcError:
            return None
        differing = differing_blocks(one.logs, other.logs)
        if len(differing) > MOST:
            return self.read_two(reader, first, (first + last) // 2, endpoints)
        logs = settle(BlockReader(self.pool, reader.watched), one, other) if differing else one.logs
        right, wrong = set[str](), set[str]()
        for reading in (one, other):
            mismatches = len(differing_blocks(reading.logs, logs))
            self.tally.note(reading.provenance.endpoints, last + 1 - first, mismatches)
            (wrong if mismatches else right).update(reading.provenance.endpoints)
        return Reread(first, last, list(logs), Level.AGREED, tuple(sorted(right or wrong)), tuple(sorted(wrong)))

    def read_second(self, reader: RangeReader, one: Reading, endpoints: Collection[str]) -> Reading:
        """The same blocks from one of these endpoints where that can be, otherwise from any that did not give `one`."""
        first = set(one.provenance.endpoints)
        known = (set(endpoints) & self.labels) - first
        if known:
            try:
                return self.read(reader, one.first, one.last, but=self.labels - known)
            except (BudgetSpent, Inconsistent):
                raise
            except RpcError:
                pass
        return self.read(reader, one.first, one.last, but=first)

    def read_proved(self, reader: RangeReader, first: int, last: int) -> Reread:
        """At the strongest level there is, as far as one such reading goes. Raises RpcError."""
        reading = reader.read(self.pool, first, last)
        level, endpoints = reading.provenance
        if level > Level.CLAIMED:
            self.tally.note(endpoints, reading.last + 1 - first)
        return Reread(first, reading.last, list(reading.logs), level, endpoints)

    def read(self, reader: RangeReader, first: int, last: int, *, but: Collection[str]) -> Reading:
        reading = reader.read_again(self.pool, first, last, but=but)
        if reading.refused:
            words = "; ".join(sorted(set(reading.refused.values())))
            raise RpcError(f"some contracts are refused: {words}", endpoint="+".join(reading.provenance.endpoints))
        return reading
