"""Which contracts pools are, with the evidence and what it amounts to."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection
from msgspec import Meta, Struct

from indexer.market import score
from indexer.market.answers.chains import of_chains
from indexer.market.answers.paging import BY_ID, Key, Page, Part, behind, cut, join, sort
from indexer.market.candidates import EVM_ADDRESS

# EXPLAIN: by address contract_mappings_of's, by pool the unique index; the evidence by mapping_evidence_once.
MAPPINGS = """
SELECT m.id, m.pool_id, p.project, p.symbol, p.chain, m.namespace, m.chain_id, m.address, m.kind, m.confidence,
       m.refuted, '', m.changed_at, coalesce(e.evidence, '[]')
  FROM contract_mappings m
  JOIN pools p ON p.id = m.pool_id
  LEFT JOIN LATERAL (
       SELECT json_agg(json_build_object('kind', kind, 'words', '', 'source', source, 'detail', detail, 'block', block,
                                         'seen_at', seen_at) ORDER BY id)::text AS evidence
         FROM mapping_evidence WHERE mapping_id = m.id) e ON true
"""


class Evidence(Struct):
    """One thing that speaks for a mapping, or against it; `words` say what. `block`: at which the chain was asked."""

    kind: str
    words: str
    source: Annotated[str, Meta(description="who says so")]
    detail: Any
    block: int | None
    seen_at: datetime


class Mapping(Struct):
    """A contract of a pool. `chain` is the source's name of the pool's chain; `refuted`: the chain contradicts it."""

    id: int
    pool: UUID
    project: str
    symbol: str
    chain: str
    namespace: Annotated[str, Meta(description="CAIP-2: eip155, solana, …")]
    chain_id: int | None
    address: str
    kind: Annotated[str, Meta(description="pool, or token: an underlying one")]
    confidence: float
    refuted: bool
    words: Annotated[str, Meta(description="how the confidence comes")]
    changed_at: datetime
    evidence: list[Evidence]


class MappingFilters(NamedTuple):
    """What mappings are asked for; None asks for all. `chains`: see `market.answers.chains.of_chains`."""

    address: str | None = None
    chains: Collection[str] = ()
    min_confidence: float | None = None
    kind: str | None = None
    refuted: bool | None = None
    pool: UUID | None = None


def list_mappings(filters: MappingFilters, after: Key | None, limit: int) -> Page[Mapping]:
    """The first mappings behind `after`, by id."""
    where = join(
        [
            on_chains(filters.chains),
            None if filters.address is None else Part("m.address = %(address)s", {"address": spell(filters.address)}),
            None
            if filters.min_confidence is None
            else Part("m.confidence >= %(confidence)s", {"confidence": filters.min_confidence}),
            None if filters.kind is None else Part("m.kind = %(kind)s", {"kind": filters.kind}),
            None if filters.refuted is None else Part("m.refuted = %(refuted)s", {"refuted": filters.refuted}),
            None if filters.pool is None else Part("m.pool_id = %(pool)s", {"pool": filters.pool}),
            behind(BY_ID, "m.id", after),
        ]
    )
    found = read(f"{MAPPINGS} {where.sql} ORDER BY {sort(BY_ID, 'm.id')} LIMIT %(limit)s", where, limit + 1)
    return cut(found, limit)


def mappings_of(pool: UUID) -> list[Mapping]:
    """Every mapping of a pool, the surest first."""
    return mappings_of_each([pool])[pool]


def mappings_of_each(pools: Sequence[UUID]) -> dict[UUID, list[Mapping]]:
    """The same of several pools, in their order."""
    where = join([Part("m.pool_id = ANY(%(pools)s)", {"pools": list(pools)})])
    found: dict[UUID, list[Mapping]] = {pool: [] for pool in pools}
    for mapping in read(f"{MAPPINGS} {where.sql} ORDER BY m.refuted, m.kind, m.confidence DESC, m.id", where):
        found[mapping.pool].append(mapping)
    return found


def mapping_by_id(mapping: int) -> Mapping | None:
    """None where there is no such mapping."""
    where = join([Part("m.id = %(mapping)s", {"mapping": mapping})])
    found = read(f"{MAPPINGS} {where.sql}", where)
    return found[0] if found else None


def read(statement: str, where: Part, limit: int | None = None) -> list[Mapping]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**where.parameters, "limit": limit})
        rows = cursor.fetchall()
    return [put_in_words(Mapping(*(*row[:-1], msgspec.json.decode(row[-1], type=list[Evidence])))) for row in rows]


def put_in_words(mapping: Mapping) -> Mapping:
    """What the evidence says, and how the confidence comes of it."""
    pieces = []
    for each in mapping.evidence:
        # What a newer version has seen is shown without words.
        if piece := score.read_evidence(each.kind, each.source):
            each.words = score.MEANINGS[piece.kind].words
            pieces.append(piece)
    mapping.words = score.score(pieces).words
    return mapping


def on_chains(names: Collection[str]) -> Part | None:
    """The condition for mappings on any of these chains; those without a chain id are on the one of their pool."""
    by_id, by_pool = of_chains("m", names), of_chains("p", names, named="chain")
    if by_id is None or by_pool is None:
        return None
    return Part(f"({by_id.sql} OR (m.chain_id IS NULL AND {by_pool.sql}))", by_pool.parameters)


def spell(address: str) -> str:
    """As addresses are stored: those of eip155 in lower case, others as they are, though they may begin with 0x."""
    lowered = address.lower()
    return lowered if EVM_ADDRESS.fullmatch(lowered) else address
