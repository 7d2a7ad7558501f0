"""The version of what a chain answers: it changes whenever an answer could, and costs the same for every address."""

from collections.abc import Sequence

from indexer.chains.models import Chain
from indexer.positions.union import ask_each

# Every change of what answers say goes with a write to `settings`, but for the rows that the historic loop adds: those
# go with the cursor of a segment. xmin, the transaction that wrote a row, tells a row written again with the same value
# from one left alone. EXPLAIN: the smallest table, and an index scan of segments_unfinished.
VERSION = """
SELECT {ordinal},
       (SELECT md5(string_agg(concat_ws(' ', key, value, xmin), ',' ORDER BY key)) FROM {schema}.settings),
       (SELECT md5(string_agg(concat_ws(' ', id, cursor), ',' ORDER BY id))
        FROM {schema}.segments WHERE cursor <= to_block)
"""


def read_versions(chains: Sequence[Chain]) -> list[str]:
    """One for each chain, of one snapshot."""
    rows = ask_each(VERSION, tuple(str(chain.schema_name) for chain in chains), {})
    return [f"{chain.pk} {chain.floor} {state} {past}" for chain, (state, past) in zip(chains, rows, strict=True)]
