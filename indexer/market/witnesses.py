"""Who vouches for what contracts answer, found in all that is stored and stored with it: see `vouching`."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection

from indexer.market.identity import CHAIN, STANDING
from indexer.market.mappings import columns
from indexer.market.score import AGREED, EvidenceKind, Score, read_evidence
from indexer.market.vouching import VOUCHED, who_vouches, without_answers

ANSWERS = f"""
SELECT e.id, m.chain_id, m.address, e.detail->>'form', e.detail->>'named_by', e.detail->>'{VOUCHED}',
       e.detail ? '{STANDING}',
       array_agg(other.kind) FILTER (WHERE other.id IS NOT NULL),
       array_agg(other.source) FILTER (WHERE other.id IS NOT NULL)
  FROM mapping_evidence e
  JOIN contract_mappings m ON m.id = e.mapping_id
  JOIN pools p ON p.id = m.pool_id AND p.vanished_at IS NULL
  LEFT JOIN mapping_evidence other ON other.mapping_id = e.mapping_id AND other.id <> e.id
 WHERE (e.kind, e.source) = ('{EvidenceKind.IDENTITY}', '{CHAIN}')
 GROUP BY e.id, m.id
"""
SAY = f"""
UPDATE mapping_evidence AS e SET detail = e.detail || jsonb_build_object('{VOUCHED}', new.words)
  FROM unnest(%s::bigint[], %s::text[]) AS new (id, words) WHERE new.id = e.id
"""


class Answer(NamedTuple):
    """Evidence of a contract by its answers; `said`: who vouches for it as far as is stored.

    `standing`: its tokens only stand for the pool's.
    """

    id: int
    chain_id: int
    address: str
    form: str
    named_by: str | None
    said: str | None
    standing: bool
    beside: Score


def vouch(watched: Iterable[tuple[int, str]]) -> None:
    """Say it with all evidence of this kind of listed pools, in the caller's transaction, where it is not said so yet.

    `watched`: chain ids and contracts, in lower case, of the jobs that people have chosen.
    """
    known = frozenset(watched)
    answers = read_answers()
    families: dict[tuple[int, str | None], set[str]] = defaultdict(set)
    for each in answers:
        if each.beside.confidence >= AGREED:
            families[each.chain_id, each.named_by].add(each.address)
    rows = []
    for each in answers:
        family = families[each.chain_id, each.named_by]
        words = who_vouches(
            each.form,
            named=each.named_by is not None,
            watched=(each.chain_id, each.named_by) in known,
            others=len(family) - (each.address in family) if each.named_by else 0,
            beside=each.beside,
            standing=each.standing,
        )
        if words != each.said:
            rows.append((each.id, words))
    with connection.cursor() as cur:
        cur.execute(SAY, columns(rows, 2))


def read_answers() -> list[Answer]:
    with connection.cursor() as cur:
        # New tables have no statistics yet, and without them the joins go row by row: minutes for 50,000 pairs.
        cur.execute("SET LOCAL enable_nestloop = off")
        cur.execute(ANSWERS)
        rows = cur.fetchall()
        cur.execute("SET LOCAL enable_nestloop = on")
    answers = []
    for id, chain_id, address, form, named_by, said, standing, kinds, sources in rows:
        pieces = (read_evidence(kind, source) for kind, source in zip(kinds or (), sources or (), strict=True))
        beside = without_answers(piece for piece in pieces if piece is not None)
        answers.append(Answer(id, chain_id, address, form, named_by, said, standing, beside))
    return answers
