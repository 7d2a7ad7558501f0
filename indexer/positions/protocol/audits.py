"""Readings as audits take them: which come first, what is known of one, and what is said of it afterwards."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from indexer.chains.connections import Connection
from indexer.positions.definition import Definition
from indexer.positions.digest import MODULUS
from indexer.positions.protocol.coverage import refresh_coverage
from indexer.positions.protocol.jobs import definitions
from indexer.positions.protocol.ledger import LONGEST, Run
from indexer.positions.protocol.state import FINAL, LEFT_VERSION, Cur, Started, lock_state, read_state
from indexer.rpc import Level

COLUMNS = (
    "id, scan_id, from_block, to_block, level, endpoints, log_count, digest::text, watch_version, read_at, audited_at"
)

# A lot that is the same whenever it is drawn, so that a sample lies all over the chain. 0 to 1.
LOT = "('x' || left(md5(id::text), 8))::bit(32)::bigint / 4294967296.0"
ORDER = f"audited_at NULLS FIRST, level, {LOT}, id"
CHOSEN = f"""
WITH final AS (SELECT (value #>> '{{}}')::bigint AS block FROM settings WHERE key = '{FINAL}'),
asked AS (
    SELECT id, audited_at, level, to_block - from_block + 1 AS blocks FROM readings, final
    WHERE to_block <= final.block AND to_block >= %(first)s AND from_block <= coalesce(%(last)s::bigint, to_block)
), counted AS (
    SELECT id, blocks, sum(blocks) OVER (ORDER BY {ORDER}) - blocks AS before, sum(blocks) OVER () AS total,
           row_number() OVER (ORDER BY {ORDER}) AS place
    FROM asked
)
SELECT id, blocks FROM counted WHERE before < total * %(share)s ORDER BY place
"""
# A reading that was just added to may still grow.
NEXT = f"""
SELECT id FROM readings
WHERE audited_at IS NULL AND {LOT} < %(share)s AND read_at < now() - %(age)s AND id <> ALL(%(but)s::bigint[])
  AND to_block <= (SELECT (value #>> '{{}}')::bigint FROM settings WHERE key = '{FINAL}')
ORDER BY level, id LIMIT 1
"""

# What nobody could compare as a whole any more is audited in parts.
CUT = f"""
WITH long AS (
    DELETE FROM readings WHERE digest IS NULL AND to_block - from_block >= {LONGEST}
    RETURNING scan_id, from_block, to_block, level, endpoints, watch_version, read_at, audited_at
)
INSERT INTO readings (scan_id, from_block, to_block, level, endpoints, watch_version, read_at, audited_at)
SELECT scan_id, start, least(start + {LONGEST} - 1, to_block), level, endpoints, watch_version, read_at, audited_at
FROM long, generate_series(from_block, to_block, {LONGEST}) AS start
"""
TO_CUT = f"SELECT 1 FROM readings WHERE digest IS NULL AND to_block - from_block >= {LONGEST} LIMIT 1"

# The jobs of a reading are known while none of them has left: the pairs of its digest.
OF_SCAN = (
    "id IN (SELECT job_id FROM scan_jobs WHERE scan_id = %(scan)s AND need @> int8range(%(first)s, %(last)s, '[]'))"
)
OF_HEAD = "live_from <= %(first)s AND enabled AND NOT retired"
SCAN_IS_WHOLE = 'SELECT 1 FROM scans WHERE id = %s AND NOT "left"'
LEFT = "SELECT value::int FROM settings WHERE key = %s"
OTHERS = "SELECT 1 FROM readings WHERE id <> %(id)s AND from_block <= %(last)s AND to_block >= %(first)s LIMIT 1"

SAY = """
UPDATE readings SET level = %(level)s, endpoints = %(endpoints)s, log_count = %(logs)s, digest = %(digest)s,
    watch_version = %(version)s, audited_at = now()
WHERE (id, from_block, to_block, read_at) = (%(id)s, %(first)s, %(last)s, %(read_at)s)
  AND digest IS NOT DISTINCT FROM %(old)s AND audited_at IS NOT DISTINCT FROM %(audited_at)s
"""
SEGMENT_DIGEST = f"""
UPDATE segments SET digest = mod(digest + %(by)s::numeric, {MODULUS}), log_count = log_count + %(logs)s
WHERE scan_id = %(scan)s AND from_block <= %(first)s AND cursor > %(last)s
"""
SEGMENT_LEVELS = """
UPDATE segments SET level = coalesce(
    (SELECT min(readings.level) FROM readings
     WHERE readings.scan_id = segments.scan_id AND readings.from_block < segments.cursor
       AND readings.to_block >= segments.from_block), level)
WHERE scan_id = %(scan)s AND from_block <= %(last)s AND cursor > %(first)s AND level IS NOT NULL
"""


class Kept(NamedTuple):
    """A row of `readings`."""

    id: int
    scan: int | None
    first: int
    last: int
    level: Level
    endpoints: tuple[str, ...]
    logs: int | None
    digest: int | None
    version: int | None
    read_at: datetime
    audited_at: datetime | None


class Subject(NamedTuple):
    """A reading to audit. `jobs` are those whose logs its digest is about, all of them where it is `comparable`;
    `version` is the set of live jobs now; `alone`: nothing else was read of these blocks."""

    kept: Kept
    jobs: list[tuple[int, Definition]]
    comparable: bool
    version: int
    alone: bool


def cut_long_readings(connection: Connection) -> None:
    """Make parts of what is too long to read again at once."""
    if connection.execute(TO_CUT).fetchone() is None:
        return
    with connection.transaction(), connection.cursor() as cur:
        lock_state(cur)
        cur.execute(CUT)


def choose_readings(connection: Connection, first: int, last: int | None, share: float) -> list[tuple[int, int]]:
    """The readings (id, blocks) to audit of those with blocks in [first, last]: about this share of their blocks.

    First what nobody has audited, of that what is known least about; the same ones whenever nothing has changed.
    """
    return connection.execute(CHOSEN, {"first": first, "last": last, "share": share}).fetchall()


def next_reading(connection: Connection, share: float, age: timedelta, but: Collection[int]) -> int | None:
    """A reading of the sample that was never audited, is older than `age` and none of `but`."""
    row = connection.execute(NEXT, {"share": share, "age": age, "but": list(but)}).fetchone()
    return None if row is None else int(row[0])


def load_subject(connection: Connection, reading: int) -> Subject | None:
    """None when there is no such reading any more."""
    with connection.transaction(), connection.cursor() as cur:
        cur.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        kept = read_kept(cur, reading)
        if kept is None:
            return None
        where: dict[str, object] = {"id": kept.id, "scan": kept.scan, "first": kept.first, "last": kept.last}
        jobs = definitions(cur, OF_HEAD if kept.scan is None else OF_SCAN, where)
        alone = cur.execute(OTHERS, where).fetchone() is None
        comparable = kept.digest is not None and is_whole(cur, kept.scan, kept.version)
        return Subject(kept, jobs, comparable, read_state(cur).watch_version, alone)


def read_kept(cur: Cur, reading: int) -> Kept | None:
    row = cur.execute(f"SELECT {COLUMNS} FROM readings WHERE id = %s", [reading]).fetchone()
    if row is None:
        return None
    id_, scan, first, last, level, endpoints, logs, digest, *rest = row
    known = None if digest is None else int(digest)
    return Kept(id_, scan, first, last, Level(level), tuple(endpoints), logs, known, *rest)


def is_whole(cur: Cur, scan: int | None, version: int | None) -> bool:
    """Whether all the jobs for whom this was read are still known."""
    if scan is not None:
        return cur.execute(SCAN_IS_WHOLE, [scan]).fetchone() is not None
    left = cur.execute(LEFT, [LEFT_VERSION]).fetchone()
    assert left is not None
    return version is not None and version >= left[0]


def is_unchanged(cur: Cur, subject: Subject, state: Started) -> bool:
    """Whether the reading is still what was audited; the caller holds the cursor row, so no reorg is undone."""
    return state.final >= subject.kept.last and read_kept(cur, subject.kept.id) == subject.kept


def note_audit(connection: Connection, subject: Subject, found: Run) -> bool:
    """Say what an audit has come to: level, endpoints, logs and digest of the whole reading.

    False, and nothing written, where the reading has changed meanwhile.
    """
    kept = subject.kept
    with connection.transaction(), connection.cursor() as cur:
        state = lock_state(cur).started
        if state.final < kept.last:
            return False
        # A batch of the scan that is being stored is waited for: it may add to the reading, and is of the segment, too.
        cur.execute("SELECT 1 FROM scans WHERE id = %s FOR UPDATE", [kept.scan])
        version = kept.version if kept.scan is not None else subject.version
        whole = (kept.scan is not None or state.watch_version == subject.version) and is_whole(cur, kept.scan, version)
        digest, logs = (found.digest, found.logs) if whole else (None, None)
        said = {
            "id": kept.id,
            "scan": kept.scan,
            "first": kept.first,
            "last": kept.last,
            "read_at": kept.read_at,
            "audited_at": kept.audited_at,
            "old": kept.digest,
            "level": found.level,
            "endpoints": sorted(found.endpoints),
            "logs": logs,
            "digest": digest,
            "version": version,
        }
        if cur.execute(SAY, said).rowcount != 1:
            return False
        if kept.scan is not None and kept.digest is not None and digest is not None and digest != kept.digest:
            changed = {"by": (digest - kept.digest) % MODULUS, "logs": (logs or 0) - (kept.logs or 0)}
            cur.execute(SEGMENT_DIGEST, said | changed)
        if found.level != kept.level:
            cur.execute(SEGMENT_LEVELS, said)
            refresh_coverage(cur)
    return True
