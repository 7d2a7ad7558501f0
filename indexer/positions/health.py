"""Whether the workers of the chains get on."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from indexer.chains.models import Chain
from indexer.positions.protocol.state import CURSOR, HEAD
from indexer.positions.union import ask_each

# The database's clock for both times, so that machines' clocks need not agree.
PROGRESS = f"""
SELECT {{ordinal}}, max((value #>> '{{{{}}}}')::bigint) FILTER (WHERE key = '{CURSOR}'),
       max((value #>> '{{{{}}}}')::bigint) FILTER (WHERE key = '{HEAD}'),
       max(updated_at) FILTER (WHERE key = '{CURSOR}'), now()
FROM {{schema}}.settings
"""


class ChainHealth(Struct):
    """A chain's worker: blocks are numbers, `updated_at` is when it processed its last one; None before the first."""

    chain_id: int
    last_processed_block: int | None
    head_block: int | None
    updated_at: datetime | None
    blocks_behind: int | None
    healthy: bool


def check_health(chains: Sequence[Chain], stalled_after: timedelta) -> dict[str, ChainHealth]:
    """By slug: healthy is a chain that has processed a block within `stalled_after`, or is not older than that."""
    # Of the database that the workers write: a replica that lags is no stalled chain.
    rows = ask_each(PROGRESS, tuple(str(chain.schema_name) for chain in chains), {}, using="default")
    health = {}
    for chain, (cursor, head, updated_at, now) in zip(chains, rows, strict=True):
        since = chain.created_at if cursor is None else updated_at
        health[chain.slug] = ChainHealth(
            chain_id=chain.chain_id,
            last_processed_block=cursor,
            head_block=head,
            updated_at=None if cursor is None else updated_at,
            blocks_behind=None if cursor is None or head is None else max(0, head - cursor),
            healthy=now - since <= stalled_after,
        )
    return health
