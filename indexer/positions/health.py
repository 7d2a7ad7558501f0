"""Whether the workers of the chains get on."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from indexer.chains.models import Chain
from indexer.positions.readiness import ask_default
from indexer.positions.stalls import find_stall, is_healthy
from indexer.positions.standing import Standing, read_standings

Status = Literal["healthy", "degraded", "unhealthy"]
GRAVEST_FIRST: tuple[Status, ...] = ("unhealthy", "degraded")


class ChainHealth(Struct):
    """A chain's worker: blocks are numbers, `updated_at` is when it processed its last one; None before the first.

    `unhealthy`: somebody must act; `degraded`: all of ours work, yet answers are not what they could be, such as those
    of a chain that shows no new block. `since`, `why` and `remedy` say more of both.
    """

    chain_id: int
    last_processed_block: int | None
    head_block: int | None
    updated_at: datetime | None
    blocks_behind: int | None
    healthy: bool
    status: Status
    since: datetime | None
    why: str | None
    remedy: str | None


def check_health(chains: Sequence[Chain], stalled_after: timedelta) -> dict[str, ChainHealth]:
    """By slug; see `stalls` for what makes a chain unhealthy or degraded."""
    return {
        str(standing.chain.slug): read_health(standing, stalled_after)
        for standing in read_standings(ask_default, chains)
    }


def read_health(standing: Standing, stalled_after: timedelta) -> ChainHealth:
    stall = find_stall(standing, stalled_after)
    return ChainHealth(
        chain_id=standing.chain.chain_id,
        last_processed_block=standing.cursor,
        head_block=standing.head,
        updated_at=None if standing.cursor is None else standing.processed_at,
        blocks_behind=standing.lag_blocks,
        healthy=is_healthy(standing, stalled_after),
        status=stall.level if stall else "healthy",
        since=stall.since if stall else None,
        why=stall.why if stall else None,
        remedy=stall.remedy if stall else None,
    )


def sum_up(chains: Iterable[ChainHealth]) -> Status:
    """The gravest of them."""
    found = {chain.status for chain in chains}
    return next((status for status in GRAVEST_FIRST if status in found), "healthy")
