"""Where every chain stands, and what troubles it: for the dashboard and the list of chains."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from indexer.chains.models import Chain
from indexer.chains.profiles import block_time_of, profile_of
from indexer.positions import standing
from indexer.positions.listing import STATE
from indexer.positions.stalls import is_healthy
from indexer.positions.union import ask_each, schemas_of
from indexer.rpc import Level

TROUBLE = f"""
SELECT {{ordinal}}, jobs.*, past.*
FROM (
    SELECT coalesce(json_object_agg(state, jobs), '{{{{}}}}')::text, coalesce(sum(unreadable), 0)::bigint
    FROM (SELECT {STATE} AS state, count(*) AS jobs, count(*) FILTER (WHERE unreadable > 0) AS unreadable
          FROM {{schema}}.jobs GROUP BY 1) AS by_state
) AS jobs
CROSS JOIN (
    SELECT count(*) FILTER (WHERE error IS NOT NULL AND cursor <= to_block)
    FROM {{schema}}.segments JOIN {{schema}}.scans ON scans.id = scan_id WHERE finished_at IS NULL
) AS past
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """One chain: blocks are numbers, None before its worker's first block; `lag` is how many are not processed.

    `past_total` and `past_read` count the blocks of unfinished scans; `jobs` is a number by state, `unreadable` counts
    jobs with unreadable logs; `levels` are blocks by level, of which `usual` has most.
    """

    chain: Chain
    name: str
    state: str
    cursor: int | None
    final: int | None
    head: int | None
    lag: int | None
    updated_at: datetime | None
    jobs: dict[str, int]
    unreadable: int
    past_total: int
    past_read: int
    failing_segments: int
    levels: dict[Level, int]
    weakest: Level | None
    usual: Level | None

    @property
    def lag_seconds(self) -> float | None:
        return None if self.lag is None else self.lag * block_time_of(self.chain.slug, self.chain.chain_id)

    @property
    def has_trouble(self) -> bool:
        return bool(self.jobs.get("put aside") or self.unreadable or self.failing_segments or self.state == "stalled")


def stand(chains: Sequence[Chain]) -> list[Standing]:
    """Where each of the chains stands, in their order."""
    troubles = ask_each(TROUBLE, schemas_of(chains), {})
    return [
        read_standing(found, *trouble)
        for found, trouble in zip(standing.read_standings(ask_each, chains), troubles, strict=True)
    ]


def read_standing(found: standing.Standing, jobs: str, unreadable: int, failing_segments: int) -> Standing:
    chain, never_ran = found.chain, found.cursor is None
    stalled = not is_healthy(found, timedelta(seconds=settings.STALLED_AFTER_SECONDS))
    profile = profile_of(chain.slug, chain.chain_id)
    return Standing(
        chain=chain,
        name=profile.name if profile else chain.slug,
        state="new" if never_ran else "stalled" if stalled else "running",
        cursor=found.cursor,
        final=found.final,
        head=found.head,
        lag=found.lag_blocks,
        updated_at=None if never_ran else found.processed_at,
        jobs=json.loads(jobs),
        unreadable=unreadable,
        past_total=found.past,
        past_read=found.past - found.past_left,
        failing_segments=failing_segments,
        levels=found.levels,
        weakest=found.weakest,
        usual=found.usual,
    )
