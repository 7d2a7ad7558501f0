"""Undoing blocks that the chain has taken back: afterwards the tables are those of a reader who never saw them."""

from typing import NamedTuple

from indexer.chains.connections import Connection
from indexer.positions.protocol.coverage import refresh_coverage
from indexer.positions.protocol.head import hash_at, insert_header
from indexer.positions.protocol.ledger import clip_readings
from indexer.positions.protocol.state import CURSOR, FINAL, REWIND, Cur, lock_state, put
from indexer.rpc import Header

# Rows first touched above the ancestor, among those that blocks above it touched; `%(above)s` is the ancestor.
UNSETTLED_LOGS = """
DELETE FROM logs USING unsettled
WHERE block_number > %(above)s AND first_block > %(above)s
  AND logs.address = unsettled.address AND logs.job_id = unsettled.job_id
"""
UNSETTLED_METADATA = """
DELETE FROM log_metadata AS row USING unsettled AS was
WHERE block_number > %(above)s AND first_block > %(above)s
  AND row.address = was.address AND row.job_id = was.job_id AND row.key = was.key
  AND row.value_sha256 = was.value_sha256
"""
UNREADABLE = """
WITH gone AS (DELETE FROM unreadable_logs WHERE block_number > %(above)s RETURNING job_id, count),
     change AS (SELECT job_id, sum(count) AS by FROM gone GROUP BY job_id)
UPDATE jobs SET unreadable = unreadable - change.by FROM change WHERE jobs.id = change.job_id
"""
SETTLED = [
    "DELETE FROM logs WHERE first_block > %(above)s",
    "DELETE FROM log_metadata WHERE first_block > %(above)s",
    "UPDATE jobs SET covered = covered * int8multirange(int8range(NULL, %(above)s + 1)),"
    " live_from = CASE WHEN live_from > %(above)s + 1 THEN %(above)s + 1 ELSE live_from END"
    " WHERE live_from > %(above)s + 1 OR covered && int8range(%(above)s + 1, NULL)",
    "UPDATE scan_jobs SET need = need * int8multirange(int8range(NULL, %(above)s + 1))"
    " WHERE need && int8range(%(above)s + 1, NULL)",
    "DELETE FROM segments WHERE from_block > %(above)s",
    "UPDATE segments SET to_block = %(above)s, cursor = least(cursor, %(above)s + 1) WHERE to_block > %(above)s",
]


class Undone(NamedTuple):
    """`blocks` taken back; `deep`: the ancestor lies below what was called final."""

    blocks: int
    deep: bool


def undo_to(connection: Connection, ancestor: Header) -> Undone | None:
    """Go back to `ancestor`, the newest stored block that is still canonical, or an older one of the chain.

    None when the cursor is not above it: somebody else has been here.
    """
    with connection.transaction(), connection.cursor() as cur:
        state = lock_state(cur).started
        if state.cursor < ancestor.number or hash_at(cur, state.cursor) == ancestor.hash:
            return None
        [rewind] = cur.execute("SELECT value FROM settings WHERE key = %s FOR UPDATE", [REWIND]).fetchone() or [{}]
        deep = ancestor.number < state.final
        take_back(cur, ancestor.number, deep=deep)
        if hash_at(cur, ancestor.number) != ancestor.hash:
            cur.execute("DELETE FROM blocks WHERE number = %s", [ancestor.number])
            insert_header(cur, ancestor)
        put(cur, CURSOR, ancestor.number)
        if deep:
            put(cur, FINAL, ancestor.number)
        put(cur, REWIND, rewind | {"count": state.rewinds + 1, "ancestor": ancestor.number})
        refresh_coverage(cur)
    return Undone(state.cursor - ancestor.number, deep)


def take_back(cur: Cur, above: int, *, deep: bool) -> None:
    where = {"above": above}
    cur.execute(UNSETTLED_LOGS, where)
    cur.execute(UNSETTLED_METADATA, where)
    cur.execute(UNREADABLE, where)
    cur.execute("DELETE FROM unsettled WHERE block_number > %(above)s", where)
    cur.execute("DELETE FROM blocks WHERE number > %(above)s", where)
    if deep:
        for statement in SETTLED:
            cur.execute(statement, where)
        clip_readings(cur, above)
