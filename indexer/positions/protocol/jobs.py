"""Reading definitions out of `jobs`, and the changes users make to jobs: disable, enable, retire, rescan."""

from typing import Any, NamedTuple

from indexer.chains.connections import Connection
from indexer.chains.storable import storable
from indexer.positions.definition import Definition
from indexer.positions.protocol.coverage import refresh_coverage
from indexer.positions.protocol.scans import leave_scans
from indexer.positions.protocol.state import LEFT_VERSION, Cur, State, lock_state, put, raise_watch_version

FORGET_UNREADABLE = """
WITH gone AS (DELETE FROM unreadable_logs WHERE job_id = ANY(%(jobs)s) AND block_number >= %(from)s
              RETURNING job_id, count),
     change AS (SELECT job_id, sum(count) AS by FROM gone GROUP BY job_id)
UPDATE jobs SET unreadable = unreadable - change.by FROM change WHERE jobs.id = change.job_id
"""

SCANS_LEFT = """
UPDATE scans SET "left" = true WHERE id IN (SELECT scan_id FROM scan_jobs WHERE job_id = ANY(%(jobs)s))
  AND EXISTS (SELECT FROM scan_jobs WHERE scan_id = scans.id AND job_id <> ALL(%(jobs)s))
"""
# A job that has left an unfinished scan may still rest on what that one read for it.
FORGET_SCANS = """
DELETE FROM readings WHERE scan_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM scan_jobs WHERE scan_jobs.scan_id = readings.scan_id)
  AND NOT EXISTS (SELECT FROM scans WHERE id = readings.scan_id AND "left")
"""

COLUMNS = "contract_address, topic0, user_topic, abi, user_argument, metadata_argument, transform"


class LiveJobs(NamedTuple):
    """The jobs the latest loop covers, and the version of that set."""

    watch_version: int
    jobs: list[tuple[int, Definition]]


def definitions(cur: Cur, condition: str, parameters: dict[str, object] | None = None) -> list[tuple[int, Definition]]:
    """Ids and definitions of the jobs that meet a condition, by id."""
    rows = cur.execute(f"SELECT id, {COLUMNS} FROM jobs WHERE {condition} ORDER BY id", parameters, binary=True)
    # Twenty thousand jobs have a handful of events: they share the texts of one.
    events: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    return [(row[0], Definition(row[1], *events.setdefault(row[2:], row[2:]))) for row in rows]


def read_live_jobs(connection: Connection) -> LiveJobs:
    """The live jobs and their version, of one moment."""
    with connection.transaction(), connection.cursor() as cur:
        cur.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        version = cur.execute("SELECT value FROM settings WHERE key = 'watch_version'").fetchone()
        assert version is not None
        return LiveJobs(version[0], definitions(cur, "live_from IS NOT NULL AND enabled AND NOT retired"))


def leave_head(cur: Cur, state: State, jobs: list[int]) -> None:
    """Take jobs out of both loops and keep what they have read; the caller holds the cursor row and raises the watch
    version."""
    leave_scans(cur, jobs)
    left = cur.execute(
        "UPDATE jobs SET live_from = NULL,"
        " covered = covered + int8multirange(int8range(live_from, greatest(live_from, %s + 1)))"
        " WHERE id = ANY(%s) AND live_from IS NOT NULL",
        [state.final, jobs],
    ).rowcount
    if left:
        put(cur, LEFT_VERSION, state.watch_version + 1)


def disable_jobs(connection: Connection, jobs: list[int]) -> int:
    """Stop watching. What is stored and covered stays, so that enabling reads only what was missed. Jobs changed."""
    with connection.transaction(), connection.cursor() as cur:
        changed = disable_in(cur, lock_state(cur), jobs)
        refresh_coverage(cur)
    return changed


def disable_in(cur: Cur, state: State, jobs: list[int]) -> int:
    """The same within a transaction that holds the cursor row."""
    if not jobs:
        return 0
    leave_head(cur, state, jobs)
    changed = cur.execute("UPDATE jobs SET enabled = false WHERE id = ANY(%s) AND enabled", [jobs]).rowcount
    raise_watch_version(cur)
    return changed


def enable_jobs(connection: Connection, jobs: list[int]) -> int:
    """Watch again: the latest loop takes the jobs up, as it does new ones. Jobs changed."""
    with connection.transaction(), connection.cursor() as cur:
        lock_state(cur)
        changed = cur.execute(
            "UPDATE jobs SET enabled = true WHERE id = ANY(%s) AND NOT enabled AND NOT retired", [jobs]
        ).rowcount
        refresh_coverage(cur)
    return changed


def retire_in(cur: Cur, state: State, jobs: list[int]) -> None:
    """Hide jobs from lookups for good; `purge_retired` deletes their rows. The caller holds the cursor row."""
    if not jobs:
        return
    leave_head(cur, state, jobs)
    cur.execute("UPDATE jobs SET retired = true, enabled = false WHERE id = ANY(%s)", [jobs])
    raise_watch_version(cur)


def purge_retired(connection: Connection) -> int:
    """Delete retired jobs with their rows; jobs deleted.

    Nobody writes for them any more: the latest loop's batches carry an older watch version, and a segment's commit
    asks which jobs are still in its scan.
    """
    if connection.execute("SELECT 1 FROM jobs WHERE retired LIMIT 1").fetchone() is None:
        return 0
    with connection.transaction(), connection.cursor() as cur:
        lock_state(cur)
        jobs = [row[0] for row in cur.execute("SELECT id FROM jobs WHERE retired").fetchall()]
        cur.execute(SCANS_LEFT, {"jobs": jobs})
        for table in ("logs", "log_metadata", "unsettled", "unreadable_logs", "scan_jobs", "job_labels"):
            cur.execute(f"DELETE FROM {table} WHERE job_id = ANY(%s)", [jobs])
        cur.execute("DELETE FROM jobs WHERE id = ANY(%s)", [jobs])
        cur.execute(FORGET_SCANS)
    return len(jobs)


def rescan_jobs(connection: Connection, jobs: list[int], from_block: int) -> int:
    """Read these jobs again from a block on, while the latest loop goes on: it takes them up as if they were new.

    What is stored stays: reading again adds what is missing and lowers `first_block` where it was too high. Logs that
    were unreadable are counted anew. Jobs affected.
    """
    with connection.transaction(), connection.cursor() as cur:
        changed = rescan_in(cur, lock_state(cur), jobs, from_block)
        refresh_coverage(cur)
    return changed


def rescan_in(cur: Cur, state: State, jobs: list[int], from_block: int) -> int:
    """The same within a transaction that holds the cursor row."""
    leave_head(cur, state, jobs)
    changed = cur.execute(
        "UPDATE jobs SET covered = covered - int8multirange(int8range(%s, NULL)), next_attempt = NULL"
        " WHERE id = ANY(%s) AND NOT retired",
        [from_block, jobs],
    ).rowcount
    cur.execute(FORGET_UNREADABLE, {"jobs": jobs, "from": from_block})
    raise_watch_version(cur)
    return changed


def set_aside(connection: Connection, job: int, error: str) -> None:
    """Take a job that cannot be read out of a scan, with its error and a delay that grows with every failure."""
    with connection.transaction(), connection.cursor() as cur:
        lock_state(cur)
        leave_scans(cur, [job])
        cur.execute(
            "UPDATE jobs SET error = %s, attempts = attempts + 1,"
            " next_attempt = now() + least(interval '1 hour', interval '10 seconds' * 2 ^ least(attempts, 12))"
            " WHERE id = %s",
            [storable(error), job],  # a provider's words may hold what PostgreSQL's text cannot
        )
        refresh_coverage(cur)
