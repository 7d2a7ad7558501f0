"""Refusals that nobody knew, kept for people; and what people taught of them, for whoever reads refusals."""

import logging

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.chains.storable import storable
from indexer.rpc import RpcError, Rule, taught_rule
from indexer.rpc.rulebook import SHOWN

log = logging.getLogger(__name__)

KEPT = 200
"""Texts of one chain; the one that was not seen for longest goes first."""

# One statement: what DELETE sees was there before, so it leaves room for the text that is noted. Rows that another
# worker is at are left alone, and go with the next text.
NOTE = """
WITH noted AS (
    INSERT INTO public.unknown_texts AS known
           (chain_id, label, code, status, method, text, first_seen, last_seen, count)
    VALUES (%(chain)s, %(label)s, %(code)s, %(status)s, %(method)s, %(text)s, now(), now(), 1)
    ON CONFLICT (chain_id, label, text) DO UPDATE
    SET count = known.count + 1, last_seen = now(),
        code = EXCLUDED.code, status = EXCLUDED.status, method = EXCLUDED.method
    RETURNING id
)
DELETE FROM public.unknown_texts WHERE id IN (
    SELECT id FROM public.unknown_texts
    WHERE chain_id = %(chain)s AND id NOT IN (SELECT id FROM noted)
    ORDER BY last_seen DESC, id DESC OFFSET %(others)s FOR UPDATE SKIP LOCKED
)
"""
RULES = "SELECT id, pattern, meaning FROM public.taught_rules WHERE enabled ORDER BY id"


def note_unknown(connection: Connection, chain: Chain, error: RpcError) -> None:
    """Keep the text of a refusal that nobody knew, once for each endpoint, and count how often it came."""
    connection.execute(
        NOTE,
        {
            "chain": chain.pk,
            "label": error.endpoint[:100],
            "code": error.code,
            "status": error.status,
            "method": error.method[:60],
            "text": storable(error.text)[:SHOWN],
            "others": KEPT - 1,
        },
    )


def read_rules(connection: Connection) -> list[Rule]:
    """The enabled rules, oldest first; one that this release cannot read is left out, and said."""
    rules = []
    for number, pattern, meaning in connection.execute(RULES).fetchall():
        try:
            rules.append(taught_rule(pattern, meaning))
        except ValueError as error:
            log.warning("taught rule %d is left out: %s", number, error)
    return rules
