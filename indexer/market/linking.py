"""What belongs together: a source's chain and ours, a pool and its chain and protocol, a protocol and its old slugs.

The same rules hold for pools that come and for those that are there when a chain or a protocol gets another name. The
table of pools is locked before any of it is written: its writers take pools each in an order of their own.
"""

from typing import Any

from django.db import connection

from indexer.market.chain_names import OTHER_NAMES
from indexer.market.mappings import leave_behind
from indexer.market.upsert import lock

Parameters = dict[str, list[str] | list[int]]
OURS = """
UPDATE market_chains SET ours_id = ours.id
FROM market_chains AS each LEFT JOIN chains_chain AS ours ON ours.chain_id = each.chain_id
WHERE each.name = market_chains.name AND market_chains.ours_id IS DISTINCT FROM ours.id
"""
CHAINS = """
SELECT DISTINCT ON (name) name, chain_id
FROM (SELECT name, chain_id, 1 AS place FROM market_chains WHERE chain_id IS NOT NULL
      UNION ALL
      SELECT name, chain_id, 2 FROM unnest(%(names)s::text[], %(chain_ids)s::bigint[]) AS other (name, chain_id)
     ) AS named
ORDER BY name, place
"""
# Who has the slug now goes before who had it, and of those the last.
PROTOCOLS = """
SELECT DISTINCT ON (alias.slug) alias.slug, alias.protocol_id
FROM protocol_aliases AS alias JOIN protocols ON protocols.id = alias.protocol_id
ORDER BY alias.slug, (alias.last_at IS NULL AND vanished_at IS NULL) DESC, alias.last_at DESC NULLS FIRST, protocol_id
"""
LINK_CHAINS = f"""
UPDATE pools SET chain_id = known.chain_id FROM ({CHAINS}) AS known
WHERE known.name = pools.chain AND pools.chain_id IS DISTINCT FROM known.chain_id
"""
LINK_PROTOCOLS = f"""
UPDATE pools SET protocol_id = known.protocol_id FROM ({PROTOCOLS}) AS known
WHERE known.slug = pools.project AND pools.protocol_id IS DISTINCT FROM known.protocol_id
"""
CLOSE_ALIASES = """
UPDATE protocol_aliases SET last_at = now() FROM protocols
WHERE protocols.id = protocol_id AND last_at IS NULL AND protocol_aliases.slug <> protocols.slug
"""
OPEN_ALIASES = """
INSERT INTO protocol_aliases (protocol_id, slug, first_at)
SELECT id, slug, now() FROM protocols
WHERE NOT EXISTS (
    SELECT FROM protocol_aliases AS held
    WHERE held.protocol_id = protocols.id AND held.slug = protocols.slug AND held.last_at IS NULL
)
ON CONFLICT (protocol_id, slug) DO UPDATE SET last_at = NULL
"""
NAMES: Parameters = {"names": list(OTHER_NAMES), "chain_ids": list(OTHER_NAMES.values())}


def chain_ids() -> dict[str, int]:
    """EIP-155 chain ids by every name that a pool may call its chain."""
    return dict(ask(CHAINS, NAMES))


def protocol_ids() -> dict[str, str]:
    """Protocols by every slug that they have or had."""
    return dict(ask(PROTOCOLS))


def link_chains() -> None:
    """After the chains have changed, or ours have. Like all that link, in the caller's transaction."""
    run(OURS)
    lock("pools")
    run(LINK_CHAINS, NAMES)
    leave_behind()


def link_pools() -> None:
    """Pools, also those that an unchanged answer brought, to what has become known since."""
    lock("pools")
    run(LINK_CHAINS, NAMES)
    run(LINK_PROTOCOLS)
    leave_behind()


def link_protocols() -> None:
    """After protocols have changed: keep the slugs that they had, and find their pools by all of them."""
    run(CLOSE_ALIASES)
    run(OPEN_ALIASES)
    lock("pools")
    run(LINK_PROTOCOLS)


def ask(query: str, parameters: Parameters | None = None) -> list[tuple[Any, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        rows: list[tuple[Any, Any]] = cursor.fetchall()
    return rows


def run(statement: str, parameters: Parameters | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
