"""Every chain at a glance: where its worker is, and how its jobs stand."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct, json

from indexer.chains.models import Chain
from indexer.chains.profiles import profile_of
from indexer.positions.health import check_health
from indexer.positions.listing import STATE, STATES
from indexer.positions.protocol.state import COVERAGE, FINAL
from indexer.positions.union import ask_each

# EXPLAIN: settings and jobs, each read once as a whole; 20,000 jobs take some milliseconds.
OVERVIEW = f"""
SELECT {{ordinal}},
       (SELECT (value #>> '{{{{}}}}')::bigint FROM {{schema}}.settings WHERE key = '{FINAL}'),
       (SELECT (value ->> 'complete')::boolean FROM {{schema}}.settings WHERE key = '{COVERAGE}'),
       (SELECT (value ->> 'check_also_count')::int FROM {{schema}}.settings WHERE key = '{COVERAGE}'),
       (SELECT json_object_agg(state, count)::text
        FROM (SELECT {STATE} AS state, count(*) FROM {{schema}}.jobs GROUP BY 1) AS counted)
"""


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
    """The chains by chain id, in two statements. Like `check_health` it asks the database that the workers write."""
    asked = sorted(chains, key=lambda chain: chain.chain_id)
    rows = ask_each(OVERVIEW, tuple(str(chain.schema_name) for chain in asked), {}, using="default")
    health = check_health(asked, stalled_after)
    overviews = []
    for chain, (final, complete, check_also, jobs) in zip(asked, rows, strict=True):
        progress = health[chain.slug]
        profile = profile_of(chain.slug, chain.chain_id)
        overviews.append(
            ChainOverview(
                chain=chain.slug,
                chain_id=chain.chain_id,
                name=profile.name if profile else None,
                floor=chain.floor,
                head=progress.head_block,
                processed=progress.last_processed_block,
                final=final,
                lag=progress.blocks_behind,
                processed_at=progress.updated_at,
                healthy=progress.healthy,
                complete=complete,
                check_also=check_also,
                jobs=dict.fromkeys(STATES, 0) | (json.decode(jobs) if jobs else {}),
            )
        )
    return overviews
