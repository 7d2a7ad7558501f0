"""The protocols of the market: lists by filter and order, and one by its id, its slug or one it had."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from django.db import connection
from msgspec import Meta, Struct

from indexer.market import linking
from indexer.market.answers.chains import on_chains
from indexer.market.answers.paging import Key, Page, Part, behind, cut, join, orders_of, pattern, sort
from indexer.market.score import AGREED

COLUMNS = {
    "tvl": "r.tvl",
    "mcap": "r.mcap",
    "change_1h": "r.change_1h",
    "change_1d": "r.change_1d",
    "change_7d": "r.change_7d",
}
ORDERS = orders_of(COLUMNS)

LISTED = """r.id, r.slug, r.name, r.symbol, r.category, r.parent, r.chains, r.address, r.url, r.logo, r.twitter,
       r.gecko_id, r.cmc_id, r.listed_at, r.tvl, r.mcap, r.change_1h, r.change_1d, r.change_7d, r.vanished_at"""
PROTOCOLS = f"SELECT {LISTED} FROM protocols r"
# The id first, then whom the slug belongs to: the one whose pools those are that name it.
FIND = f"""
SELECT coalesce((SELECT id FROM protocols WHERE id = %(asked)s),
                (SELECT protocol_id FROM ({linking.PROTOCOLS}) AS known WHERE slug = %(asked)s))
"""
# Of one protocol: v_protocol_summary has the same figures of all.
DETAIL = f"""
SELECT {LISTED}, r.description, r.chain_tvls, (
       SELECT coalesce(json_agg(json_build_object('slug', slug, 'first_at', first_at, 'last_at', last_at)
                                ORDER BY first_at, slug), '[]')::text
         FROM protocol_aliases WHERE protocol_id = r.id),
       p.pools, p.pools_tvl, p.best_apy, p.mapped
  FROM protocols r
 CROSS JOIN LATERAL (
       SELECT count(*) AS pools, sum(tvl) AS pools_tvl, max(apy) AS best_apy, count(*) FILTER (WHERE EXISTS (
              SELECT FROM contract_mappings
               WHERE pool_id = pools.id AND kind = 'pool' AND NOT refuted AND confidence >= %(sure)s)) AS mapped
         FROM pools WHERE protocol_id = r.id AND vanished_at IS NULL) p
 WHERE r.id = %(id)s
"""
IS_FOUND = """(r.name ILIKE %(search)s OR r.symbol ILIKE %(search)s OR EXISTS (
    SELECT FROM protocol_aliases WHERE protocol_id = r.id AND slug ILIKE %(search)s) OR r.slug ILIKE %(search)s)"""


class ListedProtocol(Struct):
    """A protocol by the source's id, which stays; slugs do not. Null is what the source does not say, never zero.

    TVL and market value are dollars, changes per cent.
    """

    id: str
    slug: str
    name: str
    symbol: str | None
    category: str | None
    parent: Annotated[str | None, Meta(description="the source's id of the protocol that it is part of")]
    chains: list[str]
    address: Annotated[str | None, Meta(description="of its token, as the source writes it")]
    url: str | None
    logo: str | None
    twitter: str | None
    gecko_id: str | None
    cmc_id: str | None
    listed_at: datetime | None
    tvl: float | None
    mcap: float | None
    change_1h: float | None
    change_1d: float | None
    change_7d: float | None
    vanished_at: Annotated[datetime | None, Meta(description="since when the source lists it no more")]


class Alias(Struct):
    """A slug that a protocol has, or had until `last_at`."""

    slug: str
    first_at: datetime
    last_at: datetime | None


class ProtocolWithPools(ListedProtocol):
    """The same with its slugs, its TVL by chain, and its listed pools; `mapped_pools` have a contract of 0.8 and up."""

    description: str | None
    chain_tvls: Any
    aliases: list[Alias]
    pools: int
    pools_tvl: float | None
    best_apy: float | None
    mapped_pools: int


class ProtocolFilters(NamedTuple):
    """What protocols are asked for; None asks for all. `chains`: see `market.answers.chains.on_chains`."""

    chains: Collection[str] = ()
    category: str | None = None
    parent: str | None = None
    min_tvl: float | None = None
    search: str | None = None
    vanished: bool | None = False


CONDITIONS = {
    "category": "lower(r.category) = lower(%(category)s)",
    "parent": "r.parent = %(parent)s",
    "min_tvl": "r.tvl >= %(min_tvl)s",
    "search": IS_FOUND,
    "vanished": "(r.vanished_at IS NOT NULL) = %(vanished)s",
}


def list_protocols(filters: ProtocolFilters, order: str, after: Key | None, limit: int) -> Page[ListedProtocol]:
    """The first protocols behind `after`; `order` is one of ORDERS."""
    chosen = ORDERS[order]
    where = join([*choose(filters), behind(chosen, "r.id", after)])
    rows = ask(f"{PROTOCOLS} {where.sql} ORDER BY {sort(chosen, 'r.id')} LIMIT {limit + 1:d}", where)
    return cut([ListedProtocol(*row) for row in rows], limit, chosen)


def find_protocols(filters: ProtocolFilters, order: str) -> list[str]:
    """The ids of all of them, in this order."""
    where = join(choose(filters))
    rows = ask(f"SELECT r.id FROM protocols r {where.sql} ORDER BY {sort(ORDERS[order], 'r.id')}", where)
    return [protocol for (protocol,) in rows]


def read_protocols(protocols: Sequence[str]) -> list[ListedProtocol]:
    """As they are now, in the order of their ids here."""
    where = join([Part("r.id = ANY(%(protocols)s::text[])", {"protocols": list(protocols)})])
    order = "array_position(%(protocols)s::text[], r.id::text)"
    return [ListedProtocol(*row) for row in ask(f"{PROTOCOLS} {where.sql} ORDER BY {order}", where)]


def choose(filters: ProtocolFilters) -> list[Part | None]:
    """The conditions that filters ask for."""
    asked = filters._asdict()
    values = {name: asked[name] for name in CONDITIONS if asked[name] is not None}
    if "search" in values:
        values["search"] = pattern(values["search"])
    return [
        on_chains("r.chains", filters.chains),
        *(Part(CONDITIONS[name], {name: value}) for name, value in values.items()),
    ]


def ask(statement: str, where: Part) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, where.parameters)
        return list(cursor.fetchall())


def find_protocol(asked: str) -> str | None:
    """The id of the protocol with this id, this slug, or this slug in the past; None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(FIND, {"asked": asked})
        (found,) = cursor.fetchone() or (None,)
    return found


def read_protocol(protocol: str) -> ProtocolWithPools | None:
    """By its id."""
    with connection.cursor() as cursor:
        cursor.execute(DETAIL, {"id": protocol, "sure": AGREED})
        row = cursor.fetchone()
    if row is None:
        return None
    listed = len(ListedProtocol.__struct_fields__)
    description, chain_tvls, aliases, *figures = row[listed:]
    told = (description, msgspec.json.decode(chain_tvls), msgspec.json.decode(aliases, type=list[Alias]))
    return ProtocolWithPools(*(*row[:listed], *told, *figures))
