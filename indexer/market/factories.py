"""What vouches for the factory that has named a pair as its own; it is said with the evidence.

A pair is verified by its factory, and whoever forges a pair can forge the factory: then all answers agree. So it is
said whether others know the factory: we watch it, or enough other pairs are of it. The confidence is not moved by it.
"""

from collections.abc import Iterable
from typing import Any

from django.db import connection

ENOUGH = 3
"""Other verified pairs of a factory."""
WATCHED = "known: it is watched itself"
SHARED = "known: three and more other verified pairs are of it"
UNKNOWN = "unknown: whoever forges a pair can forge its factory"
SILENT = "it was not asked, or does not say which pairs are its own"

VOUCH = """
WITH pairs AS (
    SELECT e.id, m.chain_id, m.address, e.detail->>'named_by' AS factory, e.detail->>'factory' AS said
      FROM mapping_evidence e JOIN contract_mappings m ON m.id = e.mapping_id
     WHERE e.kind = 'identity' AND e.source = 'chain' AND e.detail->>'form' = 'pair'
), families AS (
    SELECT chain_id, factory, count(DISTINCT address) - 1 AS others FROM pairs GROUP BY 1, 2
), watched AS (
    SELECT DISTINCT * FROM unnest(%(chains)s::bigint[], %(addresses)s::text[]) AS given (chain_id, address)
), vouched AS (
    SELECT p.id, p.said, CASE WHEN p.factory IS NULL THEN %(silent)s
                              WHEN w.address IS NOT NULL THEN %(watched)s
                              WHEN f.others >= %(enough)s THEN %(shared)s
                              ELSE %(unknown)s END AS words
      FROM pairs p
      LEFT JOIN families f ON (f.chain_id, f.factory) = (p.chain_id, p.factory)
      LEFT JOIN watched w ON (w.chain_id, w.address) = (p.chain_id, p.factory)
)
UPDATE mapping_evidence AS e SET detail = e.detail || jsonb_build_object('factory', vouched.words)
  FROM vouched WHERE vouched.id = e.id AND vouched.said IS DISTINCT FROM vouched.words
"""


def vouch(watched: Iterable[tuple[int, str]]) -> None:
    """Say it with all evidence of pairs, in the caller's transaction, where it is not said so yet.

    `watched`: chain ids and contracts, in lower case, of the jobs.
    """
    known = list(watched)
    values: dict[str, Any] = {
        "chains": [chain_id for chain_id, _ in known],
        "addresses": [address for _, address in known],
        "enough": ENOUGH,
        "watched": WATCHED,
        "shared": SHARED,
        "unknown": UNKNOWN,
        "silent": SILENT,
    }
    with connection.cursor() as cur:
        # New tables have no statistics yet, and without them the joins go row by row: minutes for 50,000 pairs.
        cur.execute("SET LOCAL enable_nestloop = off")
        cur.execute(VOUCH, values)
        cur.execute("SET LOCAL enable_nestloop = on")
