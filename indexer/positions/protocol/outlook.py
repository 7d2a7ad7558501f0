"""All that a step of the latest loop must know of the tables, of one moment and in one statement."""

from typing import NamedTuple

from indexer.chains.connections import Connection
from indexer.positions.protocol.state import CURSOR, STATE_KEYS, State, state_of
from indexer.positions.protocol.takeup import WAITING

# EXPLAIN: settings and blocks by their keys, jobs by the partial indexes jobs_to_take_up and jobs_retired.
LOOK = f"""
SELECT (SELECT jsonb_object_agg(key, value) FROM settings WHERE key = ANY(%(keys)s)),
       EXISTS (SELECT FROM jobs WHERE {WAITING}),
       EXISTS (SELECT FROM jobs WHERE retired),
       (SELECT jsonb_object_agg(number, encode(hash, 'hex')) FROM blocks
        WHERE number IN (%(also)s, (SELECT (value #>> '{{}}')::bigint FROM settings WHERE key = %(cursor)s)))
"""


class Outlook(NamedTuple):
    """`waiting`: some job is to be taken up; `retired`: one is to be deleted. `hashes` of the blocks that are stored,
    among the one at the cursor and the one that was asked for."""

    state: State
    waiting: bool
    retired: bool
    hashes: dict[int, bytes]


def look(connection: Connection, also: int = -1) -> Outlook:
    """What there is to do now; `also` is a block whose hash is wanted besides."""
    row = connection.execute(LOOK, {"keys": STATE_KEYS, "cursor": CURSOR, "also": also}).fetchone()
    assert row is not None
    values, waiting, retired, hashes = row
    known = {int(number): bytes.fromhex(hash_) for number, hash_ in (hashes or {}).items()}
    return Outlook(state_of(values), waiting, retired, known)
