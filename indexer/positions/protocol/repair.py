"""What the rows say of a run of blocks, and the one transaction that makes them say what was found to be true."""

from collections.abc import Mapping

from indexer.chains.connections import Connection
from indexer.positions.differences import Claimed, Differences, Expected, Pair, Rows, Value
from indexer.positions.protocol.audits import Subject, is_unchanged
from indexer.positions.protocol.claims import read_claims
from indexer.positions.protocol.coverage import refresh_coverage
from indexer.positions.protocol.jobs import rescan_in
from indexer.positions.protocol.state import REWIND, Cur, lock_state
from indexer.positions.protocol.store import store_touches, store_unreadable

LOGS_OF_PAIRS = """
SELECT address, job_id, first_block FROM unnest(%(address)s::bytea[], %(job)s::int[]) AS asked (address, job_id)
JOIN logs USING (address, job_id)
"""
# EXPLAIN: a bitmap scan of logs_first_blocks. Whose rows they are is asked afterwards: with the jobs in the statement
# the planner takes logs_of_job, and reads all rows of theirs.
LOGS_OF_BLOCKS = "SELECT address, job_id, first_block FROM logs WHERE first_block BETWEEN %(first)s AND %(last)s"
METADATA_OF_VALUES = """
SELECT address, job_id, key, value_sha256, first_block
FROM unnest(%(address)s::bytea[], %(job)s::int[], %(key)s::text[], %(sha256)s::bytea[])
    AS asked (address, job_id, key, value_sha256)
JOIN log_metadata USING (address, job_id, key, value_sha256)
"""
METADATA_OF_BLOCKS = """
SELECT address, job_id, key, value_sha256, first_block FROM log_metadata
WHERE first_block BETWEEN %(first)s AND %(last)s
"""
UNREADABLE = """
SELECT job_id, block_number, count FROM unreadable_logs
WHERE job_id = ANY(%(jobs)s) AND block_number BETWEEN %(first)s AND %(last)s
"""

# A row that has become an earlier one meanwhile is another's work and stays.
DELETE_LOGS = """
DELETE FROM logs USING unnest(%(address)s::bytea[], %(job)s::int[], %(block)s::bigint[]) AS wrong (address, job, block)
WHERE logs.address = wrong.address AND logs.job_id = wrong.job AND first_block = wrong.block
"""
DELETE_METADATA = """
DELETE FROM log_metadata AS row USING
    unnest(%(address)s::bytea[], %(job)s::int[], %(key)s::text[], %(sha256)s::bytea[], %(block)s::bigint[])
    AS wrong (address, job, key, sha256, block)
WHERE row.address = wrong.address AND row.job_id = wrong.job AND row.key = wrong.key
  AND row.value_sha256 = wrong.sha256 AND first_block = wrong.block
"""
FORGET_UNREADABLE = """
WITH gone AS (DELETE FROM unreadable_logs
              USING unnest(%(job)s::int[], %(block)s::bigint[]) AS wrong (job, block)
              WHERE job_id = wrong.job AND block_number = wrong.block RETURNING job_id, count),
     change AS (SELECT job_id, sum(count) AS by FROM gone GROUP BY job_id)
UPDATE jobs SET unreadable = unreadable - change.by FROM change WHERE jobs.id = change.job_id
"""
NOTE_DELETION = """
UPDATE settings SET updated_at = now(),
    value = jsonb_set(value, '{deletions}', to_jsonb(coalesce((value ->> 'deletions')::int, 0) + 1))
WHERE key = %s
"""
LOCK_SCANS = """
SELECT 1 FROM scans
WHERE finished_at IS NULL AND id IN (SELECT scan_id FROM scan_jobs WHERE job_id = ANY(%s)) ORDER BY id FOR UPDATE
"""


def read_rows(connection: Connection, expected: Expected, jobs: list[int]) -> Rows:
    """What is stored of these jobs: rows first touched in the expected run, and those that it should have left."""
    run = {"first": expected.first, "last": expected.last, "jobs": jobs}
    asked_for = set(jobs)
    logs: dict[Pair, int] = {}
    metadata: dict[Value, int] = {}
    with connection.cursor() as cur:
        for statement, asked in ((LOGS_OF_PAIRS, of_pairs(expected.pairs)), (LOGS_OF_BLOCKS, run)):
            for address, job, block in cur.execute(statement, asked):
                if job in asked_for:
                    logs[bytes(address), job] = block
        for statement, asked in ((METADATA_OF_VALUES, of_values(expected.values)), (METADATA_OF_BLOCKS, run)):
            for address, job, key, sha256, block in cur.execute(statement, asked):
                if job in asked_for:
                    metadata[bytes(address), job, key, bytes(sha256)] = block
        unreadable = {(job, block): count for job, block, count in cur.execute(UNREADABLE, run)}
    return Rows(logs, metadata, unreadable)


def of_pairs(keys: Mapping[Pair, object]) -> dict[str, object]:
    return {"address": [address for address, _ in keys], "job": [job for _, job in keys]}


def of_values(keys: Mapping[Value, object]) -> dict[str, object]:
    columns = ("address", "job", "key", "sha256")
    return {column: [of[place] for of in keys] for place, column in enumerate(columns)}


def repair_rows(
    connection: Connection, subject: Subject, claims: Mapping[int, Claimed], differences: Differences, run: Expected
) -> bool:
    """Make the rows of a run of the reading true: one transaction.

    A job that has lost a row has unknown touches behind the run, so what is claimed for it there is read again; until
    that is done lookups name it in check_also. False, and nothing written, where the reading or what is claimed has
    changed since both were read: what was found may not be true of it any more.
    """
    jobs = sorted(differences.jobs)
    with connection.transaction(), connection.cursor() as cur:
        state = lock_state(cur)
        if not is_unchanged(cur, subject, state.started):
            return False
        if differences.wrong:
            # Whoever took a row for stored that is deleted here must not pass over the next touch of it.
            cur.execute(NOTE_DELETION, [REWIND])
        # A batch of theirs that is being stored is waited for; from here on what they claim stands still.
        cur.execute(LOCK_SCANS, [jobs])
        known = {job: claims[job] for job in jobs}
        if read_claims(cur, run.first, run.last, jobs) != known:
            return False
        delete_rows(cur, differences)
        store_touches(cur, differences.missing)
        store_unreadable(cur, differences.unreadable)
        if differences.lost:
            rescan_in(cur, state, sorted(differences.lost), run.last + 1)
        refresh_coverage(cur)
    return True


def delete_rows(cur: Cur, differences: Differences) -> None:
    wrong, values, readable = differences.wrong, differences.wrong_metadata, differences.readable
    if wrong:
        cur.execute(DELETE_LOGS, of_pairs(wrong) | {"block": list(wrong.values())})
    if values:
        cur.execute(DELETE_METADATA, of_values(values) | {"block": list(values.values())})
    if readable:
        where = {"job": [job for job, _ in readable], "block": [block for _, block in readable]}
        cur.execute(FORGET_UNREADABLE, where)
