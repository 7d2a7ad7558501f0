"""Every chain at a glance: where its worker is, and how its jobs stand."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from indexer.chains.models import Chain
from indexer.chains.profiles import profile_of
from indexer.positions.listing import STATES
from indexer.positions.readiness import ask_default
from indexer.positions.stalls import is_healthy
from indexer.positions.standing import Jobs, Standing, count_jobs, read_standings


class ChainOverview(Struct):
    """A chain, how far its worker is, and how its jobs stand."""

    chain: Annotated[str, Meta(description="its name in paths and parameters", examples=["ethereum"])]
    chain_id: Annotated[int, Meta(description="its EIP-155 id", examples=[1])]
    name: Annotated[str | None, Meta(description="its name for people, where its profile has one")]
    floor: Annotated[int, Meta(description="the first block that answers speak of")]
    head: Annotated[int | None, Meta(description="the newest block that a node has shown")]
    processed: Annotated[int | None, Meta(description="the block that answers are true for")]
    final: Annotated[int | None, Meta(description="the newest block that the chain will not take back")]
    lag: Annotated[int | None, Meta(description="blocks from processed to head")]
    processed_at: Annotated[datetime | None, Meta(description="when the worker processed its last block")]
    healthy: Annotated[bool, Meta(description="whether it has processed a block lately")]
    complete: Annotated[bool, Meta(description="whether every enabled job has read all that it promises")]
    check_also: Annotated[int, Meta(description="contracts that must still be checked by hand")]
    jobs: Annotated[dict[str, int], Meta(description=f"how many jobs are {', '.join(STATES)}")]


def survey(chains: Sequence[Chain], stalled_after: timedelta) -> list[ChainOverview]:
    """The chains by chain id, in two statements to the database that the workers write."""
    asked = sorted(chains, key=lambda chain: chain.chain_id)
    standings = read_standings(ask_default, asked)
    return [
        read_overview(standing, jobs, stalled_after)
        for standing, jobs in zip(standings, count_jobs(ask_default, asked), strict=True)
    ]


def read_overview(standing: Standing, jobs: Jobs, stalled_after: timedelta) -> ChainOverview:
    chain = standing.chain
    profile = profile_of(chain.slug, chain.chain_id)
    return ChainOverview(
        chain=chain.slug,
        chain_id=chain.chain_id,
        name=profile.name if profile else None,
        floor=chain.floor,
        head=standing.head,
        processed=standing.cursor,
        final=standing.final,
        lag=standing.lag_blocks,
        processed_at=None if standing.cursor is None else standing.processed_at,
        healthy=is_healthy(standing, stalled_after),
        complete=standing.complete,
        check_also=standing.check_also,
        jobs=jobs.by_state,
    )
