"""The pools of the market: lists by filter and order, and one with all that is known of it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from django.db import connection
from msgspec import Meta, Struct

from indexer.market import linking
from indexer.market.answers.chains import of_chains
from indexer.market.answers.mappings import Mapping, mappings_of
from indexer.market.answers.paging import Key, Page, Part, behind, cut, join, orders_of, pattern, sort
from indexer.market.score import AGREED

COLUMNS = {
    "tvl": "p.tvl",
    "apy": "p.apy",
    "apy_mean_30d": "p.apy_mean_30d",
    "volume_1d": "p.volume_1d",
    "volume_7d": "p.volume_7d",
}
ORDERS = orders_of(COLUMNS)

# EXPLAIN: ordered by TVL, pools_by_tvl is followed until the page is full; otherwise 50,000 rows are read, and those of
# the page kept. What is joined is looked up for the page's rows alone.
POOLS = """
SELECT p.id, p.chain, p.chain_id, p.project, p.protocol_id, r.name, p.symbol, p.pool_meta, p.underlying_tokens,
       p.reward_tokens, p.stablecoin, p.il_risk, p.exposure, p.tvl, p.apy, p.apy_base, p.apy_reward, p.apy_mean_30d,
       p.il_7d, p.volume_1d, p.volume_7d, p.outlier, p.url, p.created_at, p.vanished_at, m.address, m.confidence
  FROM (SELECT * FROM pools p {where} ORDER BY {order} LIMIT %(limit)s) p
  LEFT JOIN protocols r ON r.id = p.protocol_id
  LEFT JOIN LATERAL (
       SELECT address, confidence FROM contract_mappings
        WHERE pool_id = p.id AND kind = 'pool' AND NOT refuted AND confidence > 0
        ORDER BY confidence DESC, id LIMIT 1) m ON true
 ORDER BY {order}
"""
HAS_CONTRACT = """EXISTS (
    SELECT FROM contract_mappings
     WHERE pool_id = p.id AND kind = 'pool' AND NOT refuted AND confidence >= %(mapped)s)"""
HAS_TOKEN = "EXISTS (SELECT FROM unnest(p.underlying_tokens) AS token WHERE lower(token) = lower(%(token)s))"
# A slug that protocols have had one after the other belongs to one of them.
IS_OF_PROJECT = f"""(p.project = %(project)s OR p.protocol_id = (
    SELECT protocol_id FROM ({linking.PROTOCOLS}) AS known WHERE slug = %(project)s))"""
IS_FOUND = """(p.symbol ILIKE %(search)s OR p.project ILIKE %(search)s OR p.pool_meta ILIKE %(search)s
    OR p.protocol_id IN (SELECT id FROM protocols WHERE name ILIKE %(search)s))"""


class ListedPool(Struct):
    """A pool of the market; null is what the source does not say, never zero. APY are per cent, TVL and volume dollars.

    `contract` is the surest one of the pool itself that the chain does not contradict.
    """

    id: UUID
    chain: Annotated[str, Meta(description="as the source calls it")]
    chain_id: int | None
    project: Annotated[str, Meta(description="the protocol's slug, as the source writes it")]
    protocol: Annotated[str | None, Meta(description="the protocol's id")]
    protocol_name: str | None
    symbol: str
    meta: str | None
    underlying_tokens: list[str] | None
    reward_tokens: list[str] | None
    stablecoin: bool | None
    il_risk: str | None
    exposure: str | None
    tvl: float | None
    apy: float | None
    apy_base: float | None
    apy_reward: float | None
    apy_mean_30d: float | None
    il_7d: float | None
    volume_1d: float | None
    volume_7d: float | None
    outlier: bool | None
    url: str | None
    created_at: datetime
    vanished_at: Annotated[datetime | None, Meta(description="since when the source lists it no more")]
    contract: str | None
    confidence: Annotated[float | None, Meta(description="that the contract is the pool, 0 to 1")]


class PoolWithMappings(ListedPool):
    """The same with every contract that is said to be of it, by what evidence."""

    mappings: list[Mapping]


class PoolFilters(NamedTuple):
    """What pools are asked for; None asks for all. `chains`: see `market.answers.chains.of_chains`."""

    chains: Collection[str] = ()
    project: str | None = None
    protocol: str | None = None
    stablecoin: bool | None = None
    exposure: str | None = None
    min_tvl: float | None = None
    min_apy: float | None = None
    max_apy: float | None = None
    token: str | None = None
    has_contract: bool | None = None
    search: str | None = None
    vanished: bool | None = False


# What a filter asks of a row, and the value as the statement takes it.
CONDITIONS: dict[str, str] = {
    "project": IS_OF_PROJECT,
    "protocol": "p.protocol_id = %(protocol)s",
    "stablecoin": "p.stablecoin = %(stablecoin)s",
    "exposure": "p.exposure = %(exposure)s",
    "min_tvl": "p.tvl >= %(min_tvl)s",
    "min_apy": "p.apy >= %(min_apy)s",
    "max_apy": "p.apy <= %(max_apy)s",
    "token": HAS_TOKEN,
    "has_contract": f"{HAS_CONTRACT} = %(has_contract)s",
    "search": IS_FOUND,
    "vanished": "(p.vanished_at IS NOT NULL) = %(vanished)s",
}


def list_pools(filters: PoolFilters, order: str, after: Key | None, limit: int) -> Page[ListedPool]:
    """The first pools behind `after`; `order` is one of ORDERS."""
    chosen = ORDERS[order]
    where = join([*choose(filters), behind(chosen, "p.id", after)])
    rows = read(where, sort(chosen, "p.id"), limit + 1)
    return cut([ListedPool(*row) for row in rows], limit, chosen)


def find_pools(filters: PoolFilters, order: str) -> list[UUID]:
    """The ids of all of them, in this order."""
    where = join(choose(filters))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT p.id FROM pools p {where.sql} ORDER BY {sort(ORDERS[order], 'p.id')}", where.parameters)
        return [pool for (pool,) in cursor.fetchall()]


def read_pools(pools: Sequence[UUID]) -> list[ListedPool]:
    """As they are now, in the order of their ids here."""
    where = join([Part("p.id = ANY(%(pools)s)", {"pools": list(pools)})])
    return [ListedPool(*row) for row in read(where, "array_position(%(pools)s, p.id)", len(pools))]


def choose(filters: PoolFilters) -> list[Part | None]:
    """The conditions that filters ask for."""
    asked = filters._asdict()
    values = {name: asked[name] for name in CONDITIONS if asked[name] is not None}
    if "search" in values:
        values["search"] = pattern(values["search"])
    return [
        of_chains("p", filters.chains, named="chain"),
        *(Part(CONDITIONS[name], {name: value, "mapped": AGREED}) for name, value in values.items()),
    ]


def read_pool(pool: UUID) -> PoolWithMappings | None:
    """None where there is no such pool."""
    where = join([Part("p.id = %(pool)s", {"pool": pool})])
    rows = read(where, "p.id", 1)
    return PoolWithMappings(*(*rows[0], mappings_of(pool))) if rows else None


def read(where: Part, order: str, limit: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(POOLS.format(where=where.sql, order=order), {**where.parameters, "limit": limit})
        return list(cursor.fetchall())
