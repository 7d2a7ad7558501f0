"""Where every chain stands, in one statement: for the dashboard and the list of chains."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from indexer.chains.models import Chain
from indexer.chains.profiles import block_time_of, profile_of
from indexer.positions.listing import STATE
from indexer.positions.protocol.state import CURSOR, FINAL, HEAD
from indexer.positions.union import ask_each

STANDING = f"""
SELECT {{ordinal}}, state.*, now(), jobs.*, past.*
FROM (
    SELECT max((value #>> '{{{{}}}}')::bigint) FILTER (WHERE key = '{CURSOR}'),
           max((value #>> '{{{{}}}}')::bigint) FILTER (WHERE key = '{FINAL}'),
           max((value #>> '{{{{}}}}')::bigint) FILTER (WHERE key = '{HEAD}'),
           max(updated_at) FILTER (WHERE key = '{CURSOR}')
    FROM {{schema}}.settings
) AS state
CROSS JOIN (
    SELECT coalesce(json_object_agg(state, jobs), '{{{{}}}}')::text, coalesce(sum(unreadable), 0)::bigint
    FROM (SELECT {STATE} AS state, count(*) AS jobs, count(*) FILTER (WHERE unreadable > 0) AS unreadable
          FROM {{schema}}.jobs GROUP BY 1) AS by_state
) AS jobs
CROSS JOIN (
    SELECT coalesce(sum(to_block + 1 - from_block), 0)::bigint, coalesce(sum(cursor - from_block), 0)::bigint,
           count(*) FILTER (WHERE error IS NOT NULL AND cursor <= to_block)
    FROM {{schema}}.segments JOIN {{schema}}.scans ON scans.id = scan_id WHERE finished_at IS NULL
) AS past
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """One chain: blocks are numbers, None before its worker's first block. `past_total` and `past_read` count the
    blocks of unfinished scans; `jobs` is a number by state, `unreadable` counts jobs with unreadable logs."""

    chain: Chain
    name: str
    state: str
    cursor: int | None
    final: int | None
    head: int | None
    updated_at: datetime | None
    jobs: dict[str, int]
    unreadable: int
    past_total: int
    past_read: int
    failing_segments: int

    @property
    def lag(self) -> int | None:
        """Blocks behind the head."""
        return None if self.head is None or self.cursor is None else max(0, self.head - self.cursor)

    @property
    def lag_seconds(self) -> float | None:
        return None if self.lag is None else self.lag * block_time_of(self.chain.slug, self.chain.chain_id)

    @property
    def has_trouble(self) -> bool:
        return bool(self.jobs.get("put aside") or self.unreadable or self.failing_segments or self.state == "stalled")


def stand(chains: Sequence[Chain]) -> list[Standing]:
    """Where each of the chains stands, in their order."""
    rows = ask_each(STANDING, tuple(str(chain.schema_name) for chain in chains), {})
    return [read_standing(chain, *row) for chain, row in zip(chains, rows, strict=True)]


def read_standing(
    chain: Chain,
    cursor: int | None,
    final: int | None,
    head: int | None,
    updated_at: datetime,
    now: datetime,
    jobs: str,
    unreadable: int,
    past_total: int,
    past_read: int,
    failing_segments: int,
) -> Standing:
    stalled = now - (chain.created_at if cursor is None else updated_at) > timedelta(
        seconds=settings.STALLED_AFTER_SECONDS
    )
    profile = profile_of(chain.slug, chain.chain_id)
    return Standing(
        chain=chain,
        name=profile.name if profile else chain.slug,
        state="new" if cursor is None else "stalled" if stalled else "running",
        cursor=cursor,
        final=final,
        head=head,
        updated_at=None if cursor is None else updated_at,
        jobs=json.loads(jobs),
        unreadable=unreadable,
        past_total=past_total,
        past_read=past_read,
        failing_segments=failing_segments,
    )
