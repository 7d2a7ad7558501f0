"""What is stored of the contracts of pools: evidence first, and from that, in one place, their confidence.

Rows that say what they said before are not written.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import connection
from msgspec import json
from psycopg.types.json import Jsonb

from indexer.market.candidates import Home, Place, home_of
from indexer.market.score import Evidence, read_evidence, score
from indexer.market.vouching import VOUCHED
from indexer.tasks.declaring import Counts

ADD_PLACES = """
INSERT INTO contract_mappings (pool_id, namespace, chain_id, address, kind, confidence, refuted)
SELECT *, 0, false
  FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::text[], %s::text[]) AS wanted
    ON CONFLICT (pool_id, namespace, chain_id, address, kind) DO NOTHING
RETURNING id
"""
MAPPINGS = """
SELECT id, pool_id, namespace, chain_id, address, kind, confidence, refuted
  FROM contract_mappings WHERE pool_id = ANY(%s) ORDER BY id
"""
# The block at which a chain was asked is of no interest as long as the answers are the same; who vouches for them is
# added to them later: see `witnesses`.
ADD_EVIDENCE = f"""
INSERT INTO mapping_evidence AS known (mapping_id, kind, source, detail, block)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::jsonb[], %s::bigint[]) AS wanted
    ON CONFLICT (mapping_id, kind, source) DO UPDATE
   SET detail = excluded.detail, block = excluded.block, seen_at = now()
 WHERE known.detail - '{VOUCHED}' IS DISTINCT FROM excluded.detail
RETURNING mapping_id
"""
DROP_EVIDENCE = """
DELETE FROM mapping_evidence AS known
 USING contract_mappings m
 WHERE m.id = known.mapping_id AND m.pool_id = ANY(%s) AND known.source = ANY(%s)
   AND NOT EXISTS (SELECT FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS kept (mapping_id, kind, source)
                    WHERE (kept.mapping_id, kept.kind, kept.source) = (known.mapping_id, known.kind, known.source))
RETURNING mapping_id
"""
DROP_ALL = "DELETE FROM mapping_evidence WHERE mapping_id = ANY(%s) RETURNING mapping_id"
EVIDENCE = "SELECT mapping_id, kind, source, detail, block FROM mapping_evidence WHERE mapping_id = ANY(%s) ORDER BY id"
RATE = """
UPDATE contract_mappings AS m SET confidence = wanted.confidence, refuted = wanted.refuted, changed_at = now()
  FROM unnest(%s::bigint[], %s::float8[], %s::boolean[]) AS wanted (id, confidence, refuted)
 WHERE m.id = wanted.id AND (m.confidence, m.refuted) IS DISTINCT FROM (wanted.confidence, wanted.refuted)
"""

ELSEWHERE = """
SELECT m.id, m.namespace, m.chain_id, p.chain, p.chain_id
  FROM contract_mappings m JOIN pools p ON p.id = m.pool_id
 WHERE m.confidence > 0 AND (m.chain_id IS NULL OR m.chain_id IS DISTINCT FROM p.chain_id)
"""


class Stored(NamedTuple):
    """A row of contract_mappings."""

    id: int
    pool: uuid.UUID
    place: Place
    confidence: float
    refuted: bool


Found = Mapping[uuid.UUID, Mapping[Place, Sequence[Evidence]]]
"""By pool."""


def store(found: Found, asked: Iterable[str], homes: Mapping[uuid.UUID, Home]) -> Counts:
    """Store what was found of these pools, in the caller's transaction.

    `asked` are the sources that were asked: what one of them said before and says no more is forgotten; of others it
    stays, but where it is of another chain than the pool's home is now. Of a mapping for which nothing is left the row
    stays, at no confidence.
    """
    pools = list(found)
    places = [(pool, place) for pool, of in found.items() for place in of]
    with connection.cursor() as cur:
        cur.execute(ADD_PLACES, [[pool for pool, _ in places], *columns([place for _, place in places], 4)])
        created = {row[0] for row in cur.fetchall()}
        cur.execute(MAPPINGS, [pools])
        rows = [Stored(row[0], row[1], Place(*row[2:6]), row[6], row[7]) for row in cur.fetchall()]
        ids = {(row.pool, row.place): row.id for row in rows}
        pieces = [(ids[pool, place], each) for pool, place in places for each in found[pool][place]]
        kept = columns([(mapping, each.kind.value, each.source) for mapping, each in pieces], 3)
        details = columns([(Jsonb(dict(each.detail)), each.block) for _, each in pieces], 2)
        cur.execute(ADD_EVIDENCE, [*kept, *details])
        touched = {row[0] for row in cur.fetchall()}
        cur.execute(DROP_EVIDENCE, [pools, sorted(set(asked)), *kept])
        touched |= {row[0] for row in cur.fetchall()}
        cur.execute(DROP_ALL, [[row.id for row in rows if row.place[:2] != homes[row.pool]]])
        touched |= {row[0] for row in cur.fetchall()}
        cur.execute(EVIDENCE, [[row.id for row in rows]])
        evidence: dict[int, list[Evidence]] = {row.id: [] for row in rows}
        for mapping, kind, source, detail, block in cur.fetchall():
            if piece := read_evidence(kind, source, json.decode(detail), block):
                evidence[mapping].append(piece)
        scores = {row.id: score(evidence[row.id]) for row in rows}
        rated = [(row.id, scores[row.id]) for row in rows if (row.confidence, row.refuted) != scores[row.id][:2]]
        cur.execute(RATE, columns([(row, of.confidence, of.refuted) for row, of in rated], 3))
    changed = (touched | {row for row, _ in rated}) - created
    gone = {row.id for row in rows if row.confidence and not evidence[row.id]}
    return Counts(
        created=len(created),
        changed=len(changed - gone),
        unchanged=len(rows) - len(created) - len(changed),
        vanished=len(gone),
    )


def leave_behind() -> None:
    """Forget what is known of contracts on chains that their pools have left, in the caller's transaction."""
    with connection.cursor() as cur:
        cur.execute(ELSEWHERE)
        left = [row for row, *held, name, chain_id in cur.fetchall() if tuple(held) != home_of(name, chain_id)]
        cur.execute(DROP_ALL, [left])
        cur.execute(RATE, columns([(row, *score([])[:2]) for row in left], 3))


def columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """Rows of so many columns as arrays, one for each column."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
