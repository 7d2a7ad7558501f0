"""Whether the workers of the chains get on."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from indexer.chains.models import Chain
from indexer.positions.readiness import ask_default
from indexer.positions.standing import Standing, read_standings


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
    return {
        standing.chain.slug: read_health(standing, stalled_after) for standing in read_standings(ask_default, chains)
    }


def read_health(standing: Standing, stalled_after: timedelta) -> ChainHealth:
    return ChainHealth(
        chain_id=standing.chain.chain_id,
        last_processed_block=standing.cursor,
        head_block=standing.head,
        updated_at=None if standing.cursor is None else standing.processed_at,
        blocks_behind=standing.lag_blocks,
        healthy=not standing.is_stalled(stalled_after),
    )
