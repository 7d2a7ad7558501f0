"""The chains as the source calls them, and which of ours they are."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection
from msgspec import Struct

from indexer.market import linking
from indexer.market.answers.paging import Part

CHAINS = """
SELECT m.name, m.chain_id, c.slug, m.token_symbol, m.gecko_id, m.cmc_id, m.tvl, coalesce(p.pools, 0), m.vanished_at
  FROM market_chains m
  LEFT JOIN chains_chain c ON c.id = m.ours_id
  LEFT JOIN (SELECT chain, count(*) AS pools FROM pools WHERE vanished_at IS NULL GROUP BY chain) p ON p.chain = m.name
 ORDER BY m.tvl DESC NULLS LAST, m.name
"""
UNKNOWN = f"""
SELECT asked FROM unnest(%(chains)s::text[]) AS asked
 WHERE NOT EXISTS (SELECT FROM market_chains WHERE lower(name) = asked OR chain_id::text = asked)
   AND NOT EXISTS (SELECT FROM ({linking.CHAINS}) AS named WHERE lower(name) = asked)
   AND NOT EXISTS (SELECT FROM pools WHERE lower(chain) = asked OR chain_id::text = asked)
   AND NOT EXISTS (SELECT FROM chains_chain WHERE slug = asked OR chain_id::text = asked)
   AND NOT EXISTS (SELECT FROM protocols CROSS JOIN unnest(chains) AS chain WHERE lower(chain) = asked)
 ORDER BY asked
"""
IDS = f"""
SELECT chain_id FROM chains_chain WHERE slug = ANY(%(chains)s::text[]) OR chain_id::text = ANY(%(chains)s::text[])
 UNION SELECT chain_id FROM ({linking.CHAINS}) AS named
        WHERE lower(name) = ANY(%(chains)s::text[]) OR chain_id::text = ANY(%(chains)s::text[])
"""
OF_CHAINS = f"({{0}}.chain_id::text = ANY(%(chains)s::text[]) OR {{0}}.chain_id IN ({IDS}))"
# The source has several names for some chains: BSC among the chains, Binance among those of a protocol.
ON_CHAINS = f"""EXISTS (
    SELECT FROM unnest({{0}}) AS chain
     WHERE lower(chain) = ANY(%(chains)s::text[])
        OR lower(chain) IN (SELECT lower(name) FROM ({linking.CHAINS}) AS named WHERE chain_id IN ({IDS})))"""


class ListedChain(Struct):
    """A chain as the source calls it. `ours` is our chain with its chain id; `pools` counts those that are listed."""

    name: str
    chain_id: int | None
    ours: str | None
    token_symbol: str | None
    gecko_id: str | None
    cmc_id: str | None
    tvl: float | None
    pools: int
    vanished_at: datetime | None


def list_chains() -> list[ListedChain]:
    """Every chain, by TVL."""
    with connection.cursor() as cursor:
        cursor.execute(CHAINS)
        return [ListedChain(*row) for row in cursor.fetchall()]


def find_unknown(names: Collection[str]) -> list[str]:
    """Those which are neither a name of the source's in lower case, nor a chain id, nor one of our chains."""
    with connection.cursor() as cursor:
        cursor.execute(UNKNOWN, {"chains": sorted(names), **linking.NAMES})
        return [name for (name,) in cursor.fetchall()]


def of_chains(table: str, names: Collection[str], *, named: str = "") -> Part | None:
    """The condition for rows of any of these chains: ours, chain ids, or the source's names in lower case.

    `named`: the column of the table with the source's name, where it has one: chains without an id have nothing else.
    """
    if not names:
        return None
    by_id = OF_CHAINS.format(table)
    sql = f"({by_id} OR lower({table}.{named}) = ANY(%(chains)s::text[]))" if named else by_id
    return Part(sql, {"chains": sorted(names), **linking.NAMES})


def on_chains(listed: str, names: Collection[str]) -> Part | None:
    """The condition for rows whose column `listed`, a list of the source's names, has any of these chains."""
    return Part(ON_CHAINS.format(listed), {"chains": sorted(names), **linking.NAMES}) if names else None
