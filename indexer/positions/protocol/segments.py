"""Segments: claimed with a lease by any historic loop on any machine, moved on by whoever still holds them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from indexer.chains.connections import Connection
from indexer.chains.storable import storable
from indexer.positions.definition import Definition
from indexer.positions.digest import MODULUS
from indexer.positions.pairs import Pairs
from indexer.positions.protocol.jobs import definitions
from indexer.positions.protocol.ledger import UNKNOWN, Provenance, Run, count_level_if_new, note_run
from indexer.positions.protocol.state import FINAL, REWIND, Cur
from indexer.positions.protocol.store import keep_jobs, store_matches
from indexer.positions.watch import Matches, merge

Job = tuple[int, Definition]

LEASE = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=1)

# A time further ahead than any that is given was given before the database's clock was set back.
CLAIM = """
UPDATE segments SET owner = %(owner)s, lease_until = now() + %(lease)s
WHERE id = (
    SELECT id FROM segments
    WHERE cursor <= to_block
      AND (owner IS NULL OR lease_until < now() OR lease_until > now() + 2 * %(lease)s)
      AND (next_attempt IS NULL OR next_attempt <= now() OR next_attempt > now() + 2 * %(longest)s)
    ORDER BY next_attempt NULLS FIRST, id FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING id, scan_id, from_block, to_block, cursor, attempts
"""

ADVANCE = f"""
UPDATE segments SET cursor = %(last)s + 1, log_count = log_count + %(logs)s,
    level = CASE WHEN level IS NOT NULL OR cursor = from_block THEN least(level, %(level)s) END,
    digest = mod(digest + %(digest)s, {MODULUS}), attempts = 0, error = NULL,
    next_attempt = NULL, lease_until = now() + %(lease)s
WHERE id = %(segment)s AND cursor = %(first)s AND owner = %(owner)s AND to_block >= %(last)s
RETURNING to_block, from_block
"""

ANCHOR = "SELECT number, hash FROM blocks WHERE number = (SELECT (value #>> '{}')::bigint FROM settings WHERE key = %s)"

JOBS = """
SELECT coalesce(array_agg(job_id ORDER BY job_id) FILTER (WHERE need && asked), '{}'),
       coalesce(bool_and(need @> asked) FILTER (WHERE need && asked), true), coalesce(bool_and(need = one), false)
FROM scan_jobs, int8range(%(from)s, %(to)s, '[]') AS asked,
     (SELECT need FROM scan_jobs WHERE scan_id = %(scan)s LIMIT 1) AS any_of (one)
WHERE scan_id = %(scan)s
"""

# Whoever takes jobs out of a scan writes the scan's row, which then is another version of it.
VERSION = """
SELECT scans.xmin::text, (SELECT need @> int8range(%(from)s, %(to)s, '[]') FROM scan_jobs WHERE scan_id = id LIMIT 1)
FROM scans WHERE id = %(scan)s
"""

SHARE_SCANS = 'SELECT CASE WHEN "left" THEN id END FROM scans WHERE id = ANY(%s) ORDER BY id FOR SHARE'

# A failing range becomes a segment of its own, so that it holds up nobody.
SPLIT = """
INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, attempts)
SELECT scan_id, %(last)s + 1, to_block, %(last)s + 1, 0, 0 FROM segments
WHERE id = %(segment)s AND owner = %(owner)s AND cursor = %(first)s AND to_block > %(last)s
"""
PUT_ASIDE = """
UPDATE segments SET to_block = least(to_block, %(last)s), owner = NULL, lease_until = NULL, error = %(error)s,
    attempts = attempts + 1,
    next_attempt = now() + least(%(longest)s, interval '1 second' * 2 ^ least(attempts, 12))
WHERE id = %(segment)s AND owner = %(owner)s AND cursor = %(first)s
"""


class Claim(NamedTuple):
    """A segment in hand: `jobs` are those of its scan that need some of it, `whole` says that each of them needs all of
    it, `rewinds` the reorgs undone so far and `deletions` the repairs that took rows away, `anchor` the final block
    (number and hash) that whoever is asked must have."""

    segment: int
    scan: int
    cursor: int
    to_block: int
    attempts: int
    jobs: list[Job]
    rewinds: int
    whole: bool = False
    anchor: tuple[int, bytes] | None = None
    deletions: int = 0


class KnownJobs:
    """The definitions of jobs, which never change: those of a segment are mostly those of the one before."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.jobs: list[Job] = []
        self.all_of: tuple[int, int, str] | None = None
        """The scan whose jobs these are, after how many reorgs and in which version of it; None if needs differ."""

    def of_segment(self, cur: Cur, scan: int, blocks: tuple[int, int], rewinds: int) -> tuple[list[Job], bool]:
        """The jobs of a scan that need some of these blocks, first and last, and whether each needs all of them."""
        where = {"scan": scan, "from": blocks[0], "to": blocks[1]}
        [(version, one_does)] = cur.execute(VERSION, where)
        if one_does and self.all_of == (scan, rewinds, version):
            return self.jobs, True
        [(ids, whole, alike)] = cur.execute(JOBS, where, binary=True)
        self.all_of = (scan, rewinds, version) if whole and alike else None
        return self.read(cur, ids), whole

    def read(self, cur: Cur, ids: list[int]) -> list[Job]:
        """The jobs with these ids: the same list as before where they are the same."""
        if ids != self.ids:
            known = dict(self.jobs)
            if missing := [job for job in ids if job not in known]:
                known.update(definitions(cur, "id = ANY(%(missing)s)", {"missing": missing}))
            # One that is gone meanwhile has left the scan.
            self.ids, self.jobs = ids, [(job, known[job]) for job in ids if job in known]
        return self.jobs


class Part(NamedTuple):
    """One reading: blocks `first` to `last`, what they hold, and what that was checked against."""

    first: int
    last: int
    matches: Matches
    provenance: Provenance = UNKNOWN


class Batch(NamedTuple):
    """What was read from `claim.cursor` on after the claim was taken, in one reading or several in a row."""

    claim: Claim
    parts: tuple[Part, ...]

    @property
    def last(self) -> int:
        return self.parts[-1].last


class Committed(NamedTuple):
    """The claims of several batches as they stand then, None for a batch that was thrown away; the rows written, and
    the pairs that are stored now for sure."""

    claims: list[Claim | None]
    rows: int
    stored: Pairs


def claim_segment(
    connection: Connection, owner: str, *, lease: timedelta = LEASE, known: KnownJobs | None = None
) -> Claim | None:
    """Take the next segment nobody holds; None when there is none now. What is read of its jobs is added to `known`."""
    known = known or KnownJobs()
    with connection.transaction(), connection.cursor() as cur:
        rewind = read_rewind(cur, share=False)
        row = cur.execute(CLAIM, {"owner": owner, "lease": lease, "longest": LONGEST_DELAY}).fetchone()
        if row is None:
            return None
        segment, scan, from_block, to_block, cursor, attempts = row
        jobs, whole = known.of_segment(cur, scan, (from_block, to_block), rewind.undone)
        anchor = cur.execute(ANCHOR, [FINAL]).fetchone()
    return Claim(segment, scan, cursor, to_block, attempts, jobs, rewind.undone, whole, anchor, rewind.deletions)


def commit_ranges(connection: Connection, owner: str, batches: Sequence[Batch]) -> Committed:
    """Store several batches of different segments in one transaction, which does not wait for the disk: the rows are
    lost together with the cursors, and read again.

    Nothing of a batch is written when a reorg may have taken back what was read, when rows that it took for stored
    were deleted, or when somebody else holds the segment: it is thrown away.
    """
    with connection.transaction(), connection.cursor() as cur:
        cur.execute("SET LOCAL synchronous_commit = off")
        rewind = read_rewind(cur, share=True)
        standing = [batch for batch in batches if is_standing(batch, rewind)]
        scans = sorted({batch.claim.scan for batch in standing})
        left = {scan for (scan,) in cur.execute(SHARE_SCANS, [scans]) if scan is not None}
        moved = [(batch, found) for batch in standing if (found := advance(cur, owner, batch, rewind))]
        kept = keep_scans(cur, [batch for batch, _ in moved], left)
        rows = store_matches(cur, kept, settled=True).rows
        # After the rows, as in the commits of the latest loop: both take the same locks in one order.
        for batch, (_, begins) in moved:
            note_readings(cur, batch, begins)
    claims = {claim.segment: claim for _, (claim, _) in moved}
    return Committed([claims.get(batch.claim.segment) for batch in batches], rows, kept.found)


def is_standing(batch: Batch, rewind: Rewind) -> bool:
    """Whether what was read and what was taken for stored are so still."""
    claim = batch.claim
    if claim.deletions != rewind.deletions:
        return False
    since = rewind.undone - claim.rewinds
    return since == 0 or (since == 1 and rewind.ancestor is not None and batch.last <= rewind.ancestor)


def advance(cur: Cur, owner: str, batch: Batch, rewind: Rewind) -> tuple[Claim, int] | None:
    """Move a segment's cursor behind a batch: the claim as it stands then, and where the segment begins. None, and
    nothing changed, where the cursor is not where the batch begins, or the segment is somebody else's."""
    claim = batch.claim
    where = {
        "segment": claim.segment,
        "first": claim.cursor,
        "last": batch.last,
        "owner": owner,
        "logs": sum(part.matches.pairs for part in batch.parts),
        "digest": sum(part.matches.digest for part in batch.parts) % MODULUS,
        "level": min(part.provenance.level for part in batch.parts),
        "lease": LEASE,
    }
    row = cur.execute(ADVANCE, where).fetchone()
    if row is None:
        return None
    moved = claim._replace(cursor=batch.last + 1, to_block=row[0], attempts=0, rewinds=rewind.undone)
    return moved, row[1]


def note_readings(cur: Cur, batch: Batch, begins: int) -> None:
    """Tell how the blocks of a batch were read, whose segment `begins` there."""
    for first, last, matches, provenance in batch.parts:
        # Jobs that need a part only would leave it open whose logs are in the digest.
        digest = matches.digest if batch.claim.whole else None
        # Other jobs may need the segment before, so a reading is never of two.
        note_run(cur, Run(first, last, *provenance, matches.pairs, digest), batch.claim.scan, since=begins)
        count_level_if_new(cur, provenance.level, last + 1 - first)


def keep_scans(cur: Cur, batches: Sequence[Batch], left: set[int]) -> Matches:
    """What these batches hold for jobs that have not left their scans; `left` are scans that some have left."""
    kept: list[Matches] = []
    for scan in sorted({batch.claim.scan for batch in batches}):
        matches = merge([part.matches for batch in batches if batch.claim.scan == scan for part in batch.parts])
        kept.append(keep_jobs(matches, jobs_in_scan(cur, scan, matches)) if scan in left else matches)
    return merge(kept)


def jobs_in_scan(cur: Cur, scan: int, matches: Matches) -> set[int]:
    """Those of the matched jobs that have not left the scan; it is share-locked, so they stay until the commit."""
    jobs = list(matches.jobs)
    rows = cur.execute("SELECT job_id FROM scan_jobs WHERE scan_id = %s AND job_id = ANY(%s)", [scan, jobs])
    return {job for (job,) in rows}


def renew_leases(connection: Connection, owner: str, segments: list[int], *, lease: timedelta = LEASE) -> None:
    connection.execute(
        "UPDATE segments SET lease_until = now() + %s WHERE owner = %s AND id = ANY(%s)", [lease, owner, segments]
    )


def release_segment(connection: Connection, owner: str, segment: int) -> None:
    """Give an unfinished segment back."""
    connection.execute(
        "UPDATE segments SET owner = NULL, lease_until = NULL WHERE id = %s AND owner = %s", [segment, owner]
    )


def release_segments(connection: Connection, owner: str) -> None:
    """Give back every segment that this owner holds."""
    connection.execute("UPDATE segments SET owner = NULL, lease_until = NULL WHERE owner = %s", [owner])


def put_segment_aside(
    connection: Connection, owner: str, claim: Claim, last: int, error: str, *, longest: timedelta = LONGEST_DELAY
) -> None:
    """Leave [claim.cursor, last] for later, with its error and a growing delay; the rest is free at once."""
    # A provider's words may hold what PostgreSQL's text cannot.
    words = storable(error)
    where = {
        "segment": claim.segment,
        "owner": owner,
        "first": claim.cursor,
        "last": last,
        "error": words,
        "longest": longest,
    }
    with connection.transaction(), connection.cursor() as cur:
        cur.execute(SPLIT, where)
        cur.execute(PUT_ASIDE, where)


def try_segments_now(connection: Connection, segments: list[int]) -> int:
    """Let those of the segments that are put aside be claimed at once; their number."""
    return connection.execute(
        "UPDATE segments SET next_attempt = NULL"
        " WHERE id = ANY(%s) AND cursor <= to_block AND owner IS NULL AND next_attempt > now()",
        [segments],
    ).rowcount


class Rewind(NamedTuple):
    """How many reorgs have been undone, where to the last one went back, and how often a repair has deleted rows."""

    undone: int
    ancestor: int | None
    deletions: int


def read_rewind(cur: Cur, *, share: bool) -> Rewind:
    lock = " FOR SHARE" if share else ""
    row = cur.execute(f"SELECT value FROM settings WHERE key = %s{lock}", [REWIND]).fetchone()
    assert row is not None
    return Rewind(row[0]["count"], row[0]["ancestor"], row[0].get("deletions", 0))
