"""Where chains stand: what readiness and metrics say of each, read in one statement whose cost does not grow with jobs.

How many jobs are in which state is counted over all of them, so it is counted again only when it can have changed.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple

from msgspec import json

from indexer.chains.models import Chain
from indexer.positions.holding import lock_key
from indexer.positions.listing import STATE, STATES
from indexer.positions.meter import HISTORIC, LATEST
from indexer.positions.protocol.state import COVERAGE, CURSOR, FINAL, HEAD, LEVELS, REWIND, TROUBLE, value_of
from indexer.positions.union import schemas_of
from indexer.rpc import Level

REFUSALS = 8
"""Tries of a range after which it is no passing trouble: some minutes."""

Ask = Callable[[str, tuple[str, ...], dict[str, Any]], list[tuple[Any, ...]]]
"""Puts a statement to several schemas, as `union.ask_each` does."""

# EXPLAIN, 100,000 jobs: settings as a whole, blocks by key; open scans by scans_unfinished, their segments, 64 or some
# more each, by scan. All times are the database's, so that machines' clocks need not agree.
# Advisory locks are read once for all chains, and not where there are none of the main database's: on a replica.
HELD = """ARRAY(
    SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"""
STANDING = f"""
SELECT {{ordinal}}, cursor, final, head, reorgs, complete, check_also, levels, processed_at, coverage_at,
       blocks.timestamp, past.blocks, past.left_, now(), trouble, trouble_at,
       past.segments, past.refused, past.error, past.opened_at,
       CASE WHEN {{ordinal}} = 0 AND NOT pg_is_in_recovery() THEN {HELD} END
FROM (
    SELECT {value_of(CURSOR)} AS cursor, {value_of(FINAL)} AS final, {value_of(HEAD)} AS head,
           {value_of(REWIND, "(value ->> 'count')::bigint")} AS reorgs,
           ({value_of(COVERAGE, "value ->> 'complete'")})::boolean AS complete,
           {value_of(COVERAGE, "(value ->> 'check_also_count')::int")} AS check_also,
           {value_of(CURSOR, "updated_at")} AS processed_at, {value_of(COVERAGE, "updated_at")} AS coverage_at,
           {value_of(TROUBLE, "value::text")} AS trouble, {value_of(TROUBLE, "updated_at")} AS trouble_at,
           {value_of(LEVELS, "value::text")} AS levels
    FROM {{schema}}.settings
) AS state
LEFT JOIN {{schema}}.blocks ON blocks.number = state.cursor
CROSS JOIN (
    SELECT coalesce(sum(to_block + 1 - from_block), 0)::bigint AS blocks,
           coalesce(sum(to_block + 1 - segments.cursor), 0)::bigint AS left_,
           count(*) FILTER (WHERE segments.cursor <= to_block) AS segments,
           count(*) FILTER (WHERE segments.cursor <= to_block AND attempts >= {REFUSALS}) AS refused,
           max(error) FILTER (WHERE segments.cursor <= to_block) AS error, min(created_at) AS opened_at
    FROM {{schema}}.scans JOIN {{schema}}.segments ON segments.scan_id = scans.id WHERE finished_at IS NULL
) AS past
"""

JOBS = f"""
SELECT {{ordinal}}, coalesce(json_object_agg(state, jobs), '{{{{}}}}')::text, coalesce(sum(unreadable), 0)::bigint
FROM (
    SELECT {STATE} AS state, count(*) AS jobs, sum(unreadable) AS unreadable FROM {{schema}}.jobs GROUP BY 1
) AS counted
"""


class Trouble(NamedTuple):
    """What the chain's worker has said of its endpoints, and when; `since` when it began, for people to read."""

    since: str
    words: str
    said_at: datetime


class Reading(NamedTuple):
    """Unfinished segments of the open scans, those of them refused REFUSALS times in a row or more, words of one, and
    when the oldest of the scans was opened."""

    segments: int
    refused: int
    error: str | None
    opened_at: datetime | None


class Standing(NamedTuple):
    """A chain at one moment, `now`. Block numbers are None before the chain's first start, `head` before a node's first
    answer.

    `has_worker`: a latest loop is at its head, and `has_reader`: a historic loop at its past, since both hold locks of
    sessions that end when they are silent; None where that cannot be told.
    `processed_at`: when the cursor moved last, or when the chain was added; `block_time`: seconds since 1970 of the
    cursor's block, where its header is kept; `past`, `past_left`: blocks of the open scans, and those still to read;
    `levels`: how many blocks were read at each level, strongest first, only those at which some were.
    """

    chain: Chain
    cursor: int | None
    final: int | None
    head: int | None
    reorgs: int
    complete: bool
    check_also: int
    levels: dict[Level, int]
    processed_at: datetime
    coverage_at: datetime
    block_time: int | None
    past: int
    past_left: int
    now: datetime
    trouble: Trouble | None
    reading: Reading
    has_worker: bool | None
    has_reader: bool | None

    @property
    def weakest(self) -> Level | None:
        """What every block was checked against at least; None before the first."""
        return min(self.levels, default=None)

    @property
    def usual(self) -> Level | None:
        """What most blocks were checked against, the weaker one of equals."""
        return max(reversed(self.levels), key=lambda level: self.levels[level], default=None)

    @property
    def lag_blocks(self) -> int | None:
        """Blocks that the node has shown and that are not processed."""
        return None if self.cursor is None or self.head is None else max(0, self.head - self.cursor)

    @property
    def lag_seconds(self) -> float | None:
        """How old the newest processed block is: it grows when a chain or its node stands still, too."""
        return None if self.block_time is None else max(0.0, self.now.timestamp() - self.block_time)

    @property
    def past_progress(self) -> float:
        """The part of the open scans that is read, 0 to 1; 1 without open scans."""
        return 1.0 if self.past == 0 else 1 - self.past_left / self.past


class Jobs(NamedTuple):
    """How many jobs are in each of listing.STATES, and how many logs could not be read for them all together."""

    by_state: dict[str, int]
    unreadable: int


def read_standings(ask: Ask, chains: Sequence[Chain]) -> list[Standing]:
    """Where these chains stand, in one statement."""
    rows = ask(STANDING, schemas_of(chains), {})
    held = rows[0][-1] if rows else None
    return [stand(chain, held, *row[:-1]) for chain, row in zip(chains, rows, strict=True)]


def stand(chain: Chain, held: Sequence[int] | None, *row: Any) -> Standing:
    """`held`: the advisory locks that somebody holds, None where nobody can tell."""
    cursor, final, head, reorgs, complete, check_also, levels, moved_at, coverage_at, block_time, *more = row
    past, left, now, trouble, said_at, segments, refused, error, opened_at = more
    return Standing(
        chain=chain,
        cursor=cursor,
        final=final,
        head=head,
        reorgs=reorgs,
        complete=complete,
        check_also=check_also,
        # Where its migration is still missing there is no such row.
        levels=read_levels(json.decode(levels or "{}")),
        processed_at=chain.created_at if cursor is None else moved_at,
        coverage_at=coverage_at,
        block_time=block_time,
        past=past,
        past_left=left,
        now=now,
        trouble=read_trouble(trouble, said_at),
        reading=Reading(segments, refused, error, opened_at),
        has_worker=None if held is None else lock_key(chain, LATEST) in held,
        has_reader=None if held is None else lock_key(chain, HISTORIC) in held,
    )


def read_levels(blocks: Mapping[str, int]) -> dict[Level, int]:
    """The setting of that name, strongest first."""
    return {level: blocks[level.word] for level in reversed(Level) if blocks.get(level.word)}


def read_trouble(value: str | None, said_at: datetime) -> Trouble | None:
    found = json.decode(value) if value else None
    return Trouble(found["since"], found["words"], said_at) if found else None


def count_jobs(ask: Ask, chains: Sequence[Chain]) -> list[Jobs]:
    """The jobs of these chains, in one statement that reads them all."""
    rows = ask(JOBS, schemas_of(chains), {})
    return [Jobs(dict.fromkeys(STATES, 0) | json.decode(by_state), unreadable) for by_state, unreadable in rows]


class JobCounts:
    """Counts the jobs of chains by state: again whenever a chain's coverage has changed, as with every change of a job,
    and every `seconds` for what does not show there, which is retired jobs that went and logs just found unreadable."""

    def __init__(self, ask: Ask, seconds: float = 60, *, clock: Callable[[], float] = monotonic) -> None:
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._known: dict[str, tuple[datetime, float, Jobs]] = {}

    def read(self, standings: Sequence[Standing]) -> list[Jobs]:
        """Those of the same chains, in their order."""
        due = [standing for standing in standings if not self._is_known(standing)]
        for standing, jobs in zip(due, count_jobs(self._ask, [standing.chain for standing in due]), strict=True):
            self._known[standing.chain.schema_name] = (standing.coverage_at, self._clock(), jobs)
        return [self._known[standing.chain.schema_name][2] for standing in standings]

    def _is_known(self, standing: Standing) -> bool:
        known = self._known.get(standing.chain.schema_name)
        return known is not None and known[0] == standing.coverage_at and self._clock() - known[1] < self._seconds
