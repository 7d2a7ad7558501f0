"""What lookups say of completeness: kept per job and per chain, changed where coverage changes, never per lookup."""

from typing import NamedTuple

from indexer.positions.protocol.ledger import refresh_levels
from indexer.positions.protocol.state import COVERAGE, CURSOR, Cur, put

# The part of an unfinished scan that is read, for each job in it that needs it.
READ = """
read AS (
    SELECT scans.id AS scan_id, range_agg(int8range(from_block, cursor)) AS blocks
    FROM scans JOIN segments ON segments.scan_id = scans.id
    WHERE finished_at IS NULL AND cursor > from_block GROUP BY scans.id
), scanned AS (
    SELECT job_id, need * read.blocks AS blocks FROM scan_jobs JOIN read USING (scan_id)
)
"""

JOBS = f"""
WITH {READ}, now AS (
    SELECT id, enabled AND NOT retired AND live_from IS NOT NULL
           AND int8multirange(int8range(floor, greatest(floor, live_from)))
               <@ (covered + coalesce(scanned.blocks, '{{}}')) AS complete
    FROM jobs LEFT JOIN scanned ON scanned.job_id = jobs.id
)
UPDATE jobs SET complete = coalesce(now.complete, false) FROM now
WHERE now.id = jobs.id AND jobs.complete <> coalesce(now.complete, false)
"""

# A job whose every block is read but some of whose logs could not be is one to check by hand, too.
TO_CHECK = "enabled AND NOT retired AND (NOT complete OR unreadable > 0)"

CHAIN = f"""
SELECT count(*) FILTER (WHERE NOT complete),
       count(DISTINCT contract_address),
       (SELECT array_agg(contract_address)
        FROM (SELECT DISTINCT contract_address FROM jobs WHERE {TO_CHECK} ORDER BY contract_address LIMIT %s) AS first)
FROM jobs WHERE {TO_CHECK}
"""

# How many contracts a lookup names by itself; the rest are paged.
NAMED = 100


class Coverage(NamedTuple):
    """`complete`: every enabled job is covered from its floor to the cursor. `check_also`: the first of
    `check_also_count` contracts (hex without 0x) whose jobs are not completely covered or had unreadable logs."""

    complete: bool
    check_also: list[str]
    check_also_count: int


def refresh_coverage(cur: Cur) -> None:
    """Bring jobs and the chain's summary up to date; the caller holds the cursor row."""
    cur.execute(JOBS)
    refresh_summary(cur)
    refresh_levels(cur)


def refresh_summary(cur: Cur) -> None:
    """Bring the chain's summary up to date with its jobs, at a cost of those to check only."""
    row = cur.execute(CHAIN, [NAMED]).fetchone()
    started = cur.execute("SELECT value <> 'null' FROM settings WHERE key = %s", [CURSOR]).fetchone()
    assert row is not None
    assert started is not None
    incomplete, count, first = row
    coverage = Coverage(incomplete == 0 and started[0], [contract.hex() for contract in first or []], count)
    put(cur, COVERAGE, coverage._asdict())
