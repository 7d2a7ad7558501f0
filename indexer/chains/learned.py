"""What was learned of a chain's endpoints, kept over restarts; by plain SQL, for the threads of workers."""

from typing import Any

from django_tenants.utils import get_public_schema_name
from psycopg import sql
from psycopg.types.json import Jsonb

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.rpc import EndpointPool, Limits

LOAD = "SELECT label, limits FROM {table} WHERE chain_id = %s AND NOT forget"
# Rows in the order of their labels, so that two workers of one chain never wait for each other in a circle. What was to
# be forgotten is told once, to whoever writes next.
SAVE = """
WITH given AS (SELECT * FROM unnest(%(labels)s::text[], %(limits)s::jsonb[]) AS given (label, limits)),
     told AS (SELECT label FROM {table} WHERE chain_id = %(chain)s AND forget)
INSERT INTO {table} AS kept (chain_id, label, limits, forget, updated_at)
SELECT %(chain)s, label, limits, false, now() FROM given ORDER BY label
ON CONFLICT (chain_id, label) DO UPDATE
SET limits = CASE WHEN kept.forget THEN '{{}}' ELSE excluded.limits END, forget = false, updated_at = now()
WHERE kept.forget OR kept.limits IS DISTINCT FROM excluded.limits
RETURNING label, label IN (SELECT label FROM told)
"""


def load_limits(connection: Connection, chain: Chain) -> dict[str, Limits]:
    """What was learned of the chain's endpoints, by label. Raises psycopg.Error."""
    rows = connection.execute(sql.SQL(LOAD).format(table=table()), [chain.pk]).fetchall()
    return {label: Limits.from_dict(stored) for label, stored in rows if isinstance(stored, dict)}


def save_limits(connection: Connection, chain: Chain, pool: EndpointPool) -> list[str]:
    """Keep what a pool has learned; return the labels whose limits it has forgotten, as somebody asked meanwhile.

    Raises psycopg.Error, a foreign key's when the chain has been removed.
    """
    learned = pool.limits()
    given: dict[str, Any] = {
        "chain": chain.pk,
        "labels": list(learned),
        "limits": [Jsonb(limits.to_dict()) for limits in learned.values()],
    }
    rows = connection.execute(sql.SQL(SAVE).format(table=table()), given).fetchall()
    forgotten = [label for label, told in rows if told]
    for label in forgotten:
        pool.forget_limits(label)
    return forgotten


def table() -> sql.Identifier:
    """The loops' connections search the chain's schema alone."""
    return sql.Identifier(get_public_schema_name(), "endpoint_limits")
