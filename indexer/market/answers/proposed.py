"""Jobs that mappings of 0.8 and more propose, and what became of them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.db import connection
from msgspec import Meta, Struct

from indexer.market.answers.paging import Key, Page, Part, cut, join

PROPOSED = """
SELECT w.id, w.state, c.slug, p.id, p.project, p.symbol, m.address, m.confidence, w.entry::text, w.proposed_at,
       w.decided_at, w.decided_by, w.job_id
  FROM watch_proposals w
  JOIN contract_mappings m ON m.id = w.mapping_id
  JOIN pools p ON p.id = m.pool_id
  JOIN chains_chain c ON c.id = w.chain_id
"""


class Proposal(Struct):
    """A job that is proposed for one of our chains. `job` is its id once it was accepted."""

    id: int
    state: Annotated[str, Meta(description="proposed, accepted or dismissed")]
    chain: str
    pool: UUID
    project: str
    symbol: str
    contract: str
    confidence: float
    entry: Annotated[Any, Meta(description="the job as a watch list writes it")]
    proposed_at: datetime
    decided_at: datetime | None
    decided_by: str
    job: int | None


def list_proposals(state: str | None, chain: str | None, after: Key | None, limit: int) -> Page[Proposal]:
    """The first proposals behind `after`, the newest first."""
    found = read(
        [
            None if state is None else Part("w.state = %(state)s", {"state": state}),
            None if chain is None else Part("c.slug = %(chain)s", {"chain": chain}),
            None if after is None else Part("w.id < %(after)s", {"after": after.id}),
        ],
        limit + 1,
    )
    return cut(found, limit)


def read_proposal(proposal: int) -> Proposal | None:
    """None where there is no such proposal."""
    found = read([Part("w.id = %(proposal)s", {"proposal": proposal})], 1)
    return found[0] if found else None


def read(conditions: list[Part | None], limit: int) -> list[Proposal]:
    where = join(conditions)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{PROPOSED} {where.sql} ORDER BY w.id DESC LIMIT %(limit)s", {**where.parameters, "limit": limit}
        )
        return [Proposal(*(*row[:8], msgspec.json.decode(row[8]), *row[9:])) for row in cursor.fetchall()]
