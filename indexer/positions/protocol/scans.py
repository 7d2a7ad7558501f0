"""Scans: which jobs still need which blocks of the past, cut into segments for the historic loop."""

from indexer.chains.connections import Connection
from indexer.positions.protocol.coverage import READ, refresh_coverage
from indexer.positions.protocol.state import Cur, lock_state

# Jobs that the latest loop covers from some block on, whose past is neither complete nor being read.
WAITING = """
FROM jobs
WHERE enabled AND NOT retired AND NOT complete AND live_from IS NOT NULL
  AND (next_attempt IS NULL OR next_attempt <= now())
  AND NOT int8multirange(int8range(floor, greatest(floor, live_from))) <@ covered
  AND NOT EXISTS (
      SELECT 1 FROM scan_jobs JOIN scans ON scans.id = scan_id WHERE job_id = jobs.id AND finished_at IS NULL)
"""

NEEDS = f"""
CREATE TEMPORARY TABLE needs ON COMMIT DROP AS
SELECT jobs.id AS job_id, int8multirange(int8range(floor, greatest(floor, live_from))) - covered AS need
{WAITING}
"""

SEGMENTS = """
INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, attempts)
SELECT %(scan)s, start, least(start + %(step)s, upper(part)) - 1, start, 0, 0
FROM (SELECT unnest(range_agg(need)) AS part FROM needs) AS parts,
     generate_series(lower(part), upper(part) - 1, %(step)s) AS start
"""

FOLD = f"""
WITH {READ}
UPDATE jobs SET covered = covered + (need * read.blocks), attempts = 0, error = NULL, next_attempt = NULL
FROM scan_jobs JOIN read USING (scan_id)
WHERE scan_id = %(scan)s AND scan_jobs.job_id = jobs.id
"""

# Leaving a scan keeps what it has read for the job.
LEAVE = f"""
WITH {READ}, left_scans AS (
    DELETE FROM scan_jobs USING scans
    WHERE scans.id = scan_id AND finished_at IS NULL AND job_id = ANY(%(jobs)s) RETURNING scan_id, job_id, need
)
UPDATE jobs SET covered = covered + (need * coalesce(read.blocks, '{{}}'))
FROM left_scans LEFT JOIN read USING (scan_id) WHERE left_scans.job_id = jobs.id
"""

LEFT = """
UPDATE scans SET "left" = true
WHERE finished_at IS NULL AND id IN (SELECT scan_id FROM scan_jobs WHERE job_id = ANY(%(jobs)s))
"""

# So many that several workers have enough, and that what they read at one time lies close together: a pair that is met
# before its first block is stored is written twice. None so small that its bookkeeping costs more than its reading.
PIECES = 512
SMALLEST = 2_000


def plan_scans(cur: Cur) -> int | None:
    """Open one scan for every job whose past is waiting, and give its id; the caller holds the cursor row.

    `jobs.complete` must be up to date as far as it says true.

    A job is in one unfinished scan at most. A segment is read for those jobs whose need overlaps it, so jobs with
    different floors share one scan.
    """
    if cur.execute(f"SELECT 1 {WAITING} LIMIT 1").fetchone() is None:
        return None
    cur.execute(NEEDS)
    row = cur.execute("SELECT sum(upper(p) - lower(p)) FROM (SELECT unnest(range_agg(need)) AS p FROM needs) AS parts")
    total = int((row.fetchone() or (0,))[0])
    scan = cur.execute("INSERT INTO scans (created_at) VALUES (now()) RETURNING id").fetchone()
    assert scan is not None
    cur.execute("INSERT INTO scan_jobs (scan_id, job_id, need) SELECT %s, job_id, need FROM needs", [scan[0]])
    step = max(SMALLEST, -(-total // PIECES))
    cur.execute(SEGMENTS, {"scan": scan[0], "step": step})
    cur.execute("DROP TABLE needs")
    return int(scan[0])


def leave_scans(cur: Cur, jobs: list[int]) -> None:
    """Take jobs out of their unfinished scans; the caller holds the cursor row.

    The scans are locked against commits first: a batch that is being stored is waited for, and the next one is not
    stored for these jobs.
    """
    cur.execute(
        "SELECT 1 FROM scans WHERE finished_at IS NULL AND id IN"
        " (SELECT scan_id FROM scan_jobs WHERE job_id = ANY(%s)) ORDER BY id FOR UPDATE",
        [jobs],
    )
    cur.execute(LEFT, {"jobs": jobs})
    cur.execute(LEAVE, {"jobs": jobs})


def close_scans(connection: Connection, *, segment_finished: bool = False) -> bool:
    """Close scans with nothing left to read, and open one for jobs that wait: new needs, or a delay that is over.

    True when a scan was closed or opened. After a segment was finished jobs may be complete before their scan is, so
    the coverage is brought up to date all the same.
    """
    with connection.transaction(), connection.cursor() as cur:
        lock_state(cur)
        finished = cur.execute(
            "SELECT id FROM scans WHERE finished_at IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM segments WHERE scan_id = scans.id AND cursor <= to_block) ORDER BY id FOR UPDATE"
        ).fetchall()
        for (scan,) in finished:
            cur.execute(FOLD, {"scan": scan})
            cur.execute("UPDATE scans SET finished_at = now() WHERE id = %s", [scan])
        opened = plan_scans(cur)
        if finished or opened or segment_finished:
            refresh_coverage(cur)
    return bool(finished) or opened is not None
