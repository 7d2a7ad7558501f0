"""Reading blocks for the latest loop: those that come next, and those above final that new jobs have missed."""

from collections.abc import Sequence

from indexer.positions.definition import Definition
from indexer.positions.digest import log_digest
from indexer.positions.meter import LATEST, Meter
from indexer.positions.protocol.head import Base, HeadBlock
from indexer.positions.protocol.ledger import Provenance
from indexer.positions.protocol.takeup import BlockReading
from indexer.positions.reader import RangeReader
from indexer.positions.watch import Matches
from indexer.rpc import MOST_NULL_ROUNDS, BlockLogs, BlockReader, BlockUnknown, EndpointPool, Header, Level

TAKE_UP_SLICE = 50
"""Blocks read for new jobs before the head is looked after again."""
AT_ONCE = 48
"""Blocks that are read and committed together while the head is further away; a JSON-RPC batch of their headers and one
of their logs pass with any provider that takes batches."""


def find_next(pool: EndpointPool, base: Base, newest: Header) -> list[Header]:
    """The next blocks, up to the newest one: as many as follow each other, AT_ONCE at most; none: not there yet.

    The first is the next height's or, where that has none (a null round), the first one's above that has. That it
    follows the one at the cursor is for the caller to see.
    """
    first, last = base.number + 1, min(newest.number, base.number + AT_ONCE)
    if last > first:
        found = linked([header for header in pool.headers(range(first, last + 1)) if header is not None])
        if found:
            return found
    for number in range(first, min(newest.number, base.number + MOST_NULL_ROUNDS) + 1):
        header = newest if newest.number == number else pool.header(number)
        if header is not None:
            return [header]
    return []


def linked(headers: Sequence[Header]) -> list[Header]:
    """The first of these and those after it, each following the one before by its parent's hash."""
    found = list(headers[:1])
    for header in headers[1:]:
        if header.parent_hash != found[-1].hash:
            break
        found.append(header)
    return found


def read_blocks(reader: BlockReader, jobs: RangeReader, headers: Sequence[Header], meter: Meter) -> list[HeadBlock]:
    """What blocks hold for these jobs; of the first ones only, where one cannot be read now. Raises RpcError where that
    is the first."""
    blocks = reader.read_many(headers)
    return [read_block(header, block, jobs, meter) for header, block in zip(headers, blocks, strict=False)]


def read_block(header: Header, block: BlockLogs, jobs: RangeReader, meter: Meter) -> HeadBlock:
    matches = jobs.index.match(block.logs, log_digest)
    meter.note_logs(LATEST, len(block.logs), matches)
    return HeadBlock(header, matches, Provenance(block.level, block.endpoints))


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
            block = read_block(header, reader.read(header), self.wanted, self.meter)
            self.by_hash[hash_] = block.matches, block.provenance
        return len(missing) <= TAKE_UP_SLICE

    def readings(self, blocks: list[tuple[int, bytes]]) -> list[BlockReading]:
        return [BlockReading(number, *self.by_hash[hash_]) for number, hash_ in blocks]
