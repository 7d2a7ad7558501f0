"""What a chain's tables rest on, as users read it: runs of blocks with the level at which they were read."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct, json

from indexer.chains.models import Chain
from indexer.positions.digest import spell_digest
from indexer.positions.evidence import Read, join
from indexer.positions.jobs import BlockRange
from indexer.positions.lookup import STATE, STATE_TABLES, WORDS, AsOf, LevelWord, Verified, read_state
from indexer.positions.union import ask_each, schemas_of

# One row of {schema}.readings, as StoredRun reads it. Digests are longer than the integers of JSON's readers.
RUN = """json_build_array(
    readings.id, readings.scan_id, readings.from_block, readings.to_block, readings.level, readings.endpoints,
    readings.log_count, readings.digest::text, readings.watch_version, readings.read_at
)"""
# Blocks from final on, whose lowest is where the first run begins. EXPLAIN: an index scan of blocks (number).
UNSETTLED = """(
    SELECT json_agg(json_build_array(
        number, encode(hash, 'hex'), level, endpoints, log_count, digest::text, watch_version) ORDER BY number)::text
    FROM {schema}.blocks WHERE number >= state.final
)"""
# EXPLAIN, 100,000 readings: two index scans of readings_in_order, each from where the page begins until it is full.
COVERAGE = f"""
SELECT {{ordinal}}, {STATE}, {UNSETTLED}, (
    SELECT json_agg({RUN} ORDER BY scan_id, to_block, id)::text FROM (
        SELECT * FROM (
            SELECT * FROM {{schema}}.readings
            WHERE scan_id IS NOT NULL
              AND (scan_id, to_block, id) > (%(scan)s::bigint, %(block)s::bigint, %(id)s::bigint)
            ORDER BY scan_id, to_block, id LIMIT %(limit)s
        ) AS of_scans
        UNION ALL SELECT * FROM (
            SELECT * FROM {{schema}}.readings
            WHERE scan_id IS NULL AND (to_block, id) > (%(latest)s::bigint, %(latest_id)s::bigint)
            ORDER BY scan_id, to_block, id LIMIT %(limit)s
        ) AS of_latest
        ORDER BY scan_id, to_block, id LIMIT %(limit)s
    ) AS readings
)
FROM {STATE_TABLES}
"""
LATEST: Literal["latest"] = "latest"
NO_SCAN = 2**63 - 1
"""Beyond every scan."""


class StoredRun(Struct, array_like=True):
    """A reading as RUN writes it."""

    id: int
    scan: int | None
    first: int
    last: int
    level: int
    endpoints: list[str]
    logs: int | None
    digest: str | None
    version: int | None
    read_at: str


class StoredBlock(Struct, array_like=True):
    """A block as UNSETTLED writes it."""

    number: int
    hash: str
    level: int | None
    endpoints: list[str] | None
    logs: int | None
    digest: str | None
    version: int | None


class Unsettled(NamedTuple):
    """How the blocks above final were read, block by block, and the hashes of those from final on."""

    runs: list[Read]
    hashes: dict[int, bytes]


class CoverageRun(BlockRange):
    """Blocks that were read the same way. `log_count` and `digest` are over all jobs that they were read for."""

    by: Annotated[int | Literal["latest"], Meta(description="the scan that read them, or the latest loop")]
    level: Annotated[LevelWord, Meta(description="what their logs were checked against")]
    endpoints: Annotated[list[str], Meta(description="labels of those whose answers it rests on")]
    log_count: Annotated[int | None, Meta(description="null: not known any more")]
    digest: Annotated[str | None, Meta(description="16 bytes over the logs in whatever order; null: not known")]
    read_at: Annotated[datetime | None, Meta(description="of the last of them; null above final")]


class RunKey(NamedTuple):
    """Where a run stands among a chain's: scans in their order, then the latest loop, each by last block."""

    scan: int | None
    block: int
    id: int


BEGINNING = RunKey(-1, -1, -1)


class ChainCoverage(Struct):
    """What a chain's answers rest on. A block that was read for several sets of jobs is in several runs.

    `next` leads to the page behind this one, null on the last. `above_final` is the same on every page.
    """

    chain: str
    chain_id: int
    as_of: Annotated[AsOf | None, Meta(description="null for a chain never indexed")]
    head: Annotated[int | None, Meta(description="the newest block that a node has shown")]
    complete: Annotated[bool, Meta(description="whether every enabled job has read all that it promises")]
    verified: Annotated[Verified | None, Meta(description="null where no block is read yet")]
    levels: Annotated[dict[str, int], Meta(description="readings of blocks by level, of both loops together")]
    runs: Annotated[list[CoverageRun], Meta(description="of final blocks")]
    above_final: Annotated[list[CoverageRun], Meta(description="of blocks that may still be reorganised")]
    next: str | None


class CoveragePage(NamedTuple):
    """`coverage` without its link; `last` is where the next page begins, None when this is the last one."""

    coverage: ChainCoverage
    last: RunKey | None


def read_coverage(chain: Chain, after: RunKey, limit: int) -> CoveragePage:
    """The first runs behind `after`, in one statement."""
    in_latest = after.scan is None
    parameters: dict[str, Any] = {
        "scan": NO_SCAN if after.scan is None else after.scan,
        "block": after.block,
        "id": after.id,
        "latest": after.block if in_latest else -1,
        "latest_id": after.id if in_latest else -1,
        "limit": limit + 1,
    }
    [(*state, unsettled, stored)] = ask_each(COVERAGE, schemas_of([chain]), parameters)
    said = read_state(chain, "", *state)
    reads = read_runs(stored)
    page = reads[:limit]
    coverage = ChainCoverage(
        chain=chain.slug,
        chain_id=chain.chain_id,
        as_of=said.as_of,
        head=said.head,
        complete=said.complete,
        verified=said.verified,
        levels=json.decode(state[-1], type=dict[str, int]),
        runs=[show_run(read) for read in page],
        above_final=[show_run(read) for read in join(read_unsettled(unsettled).runs)],
        next=None,
    )
    last = RunKey(page[-1].scan, page[-1].last, page[-1].id) if len(reads) > limit else None
    return CoveragePage(coverage, last)


def read_runs(stored: str | None) -> list[Read]:
    return [
        Read(
            run.first,
            run.last,
            run.level,
            tuple(run.endpoints),
            run.logs,
            None if run.digest is None else int(run.digest),
            run.read_at,
            run.scan,
            run.version,
            run.id,
        )
        for run in json.decode(stored or "[]", type=list[StoredRun])
    ]


def read_unsettled(stored: str | None) -> Unsettled:
    """Heights between two blocks have none of their own: they were read with the upper one."""
    blocks: Sequence[StoredBlock] = json.decode(stored or "[]", type=list[StoredBlock])
    runs = [
        Read(
            below.number + 1,
            block.number,
            block.level,
            tuple(block.endpoints or ()),
            block.logs,
            None if block.digest is None else int(block.digest),
            version=block.version,
        )
        for below, block in pairwise(blocks)
        if block.level is not None
    ]
    return Unsettled(runs, {block.number: bytes.fromhex(block.hash) for block in blocks})


def show_run(read: Read) -> CoverageRun:
    return CoverageRun(
        from_=read.first,
        to=read.last,
        by=LATEST if read.scan is None else read.scan,
        level=WORDS[read.level],
        endpoints=list(read.endpoints),
        log_count=read.logs,
        digest=None if read.digest is None else spell_digest(read.digest),
        read_at=None if read.read_at is None else datetime.fromisoformat(read.read_at),
    )
