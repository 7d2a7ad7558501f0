"""Time series: what a pool or a protocol was worth, day by day (UTC)."""

from datetime import date
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from django.db import connection
from msgspec import Meta, Struct

# EXPLAIN: the primary key begins with the pool (the protocol) and goes on with the day, in each month's partition.
POOL_DAYS = """
SELECT day, tvl, apy, apy_base, apy_reward, il_7d, volume_1d, source FROM pool_daily_snapshots
 WHERE pool_id = %(of)s AND day >= %(first)s AND day <= %(last)s ORDER BY day LIMIT %(limit)s
"""
PROTOCOL_DAYS = """
SELECT day, tvl, mcap, pools, pools_tvl FROM protocol_daily_snapshots
 WHERE protocol_id = %(of)s AND day >= %(first)s AND day <= %(last)s ORDER BY day LIMIT %(limit)s
"""


class PoolDay(Struct):
    """A pool on a day; null is what nobody knows, never zero."""

    day: date
    tvl: float | None
    apy: float | None
    apy_base: float | None
    apy_reward: float | None
    il_7d: float | None
    volume_1d: float | None
    source: Annotated[str, Meta(description="pools: taken that day; chart: of the source's own history")]


class ProtocolDay(Struct):
    """A protocol on a day, with the number and the TVL of its pools; null where pools were not taken in that day."""

    day: date
    tvl: float | None
    mcap: float | None
    pools: int | None
    pools_tvl: float | None


class Span(NamedTuple):
    """Days, both ends in."""

    first: date = date.min
    last: date = date.max


def pool_days(pool: UUID, span: Span, limit: int) -> list[PoolDay]:
    """The first `limit` days of a span of which there is a snapshot."""
    return [PoolDay(*row) for row in read(POOL_DAYS, pool, span, limit)]


def protocol_days(protocol: str, span: Span, limit: int) -> list[ProtocolDay]:
    return [ProtocolDay(*row) for row in read(PROTOCOL_DAYS, protocol, span, limit)]


def read(statement: str, of: UUID | str, span: Span, limit: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"of": of, "first": span.first, "last": span.last, "limit": limit})
        return list(cursor.fetchall())
