"""What the tables rest on: which blocks were read, from whom, and what their logs were checked against.

Blocks above final carry this themselves, in `blocks`; final ones are told in runs, in `readings`.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from indexer.positions.digest import MODULUS
from indexer.positions.protocol.state import FINAL, LEFT_VERSION, LEVELS, Cur, put
from indexer.rpc import Level

LONGEST = 10_000
"""Blocks that a run grows to: what an audit reads again at once."""

# The run that ends where these blocks begin, where it is of the same kind, grows by them; otherwise they are a new one.
NOTE = f"""
WITH extended AS (
    UPDATE readings SET to_block = %(last)s, log_count = log_count + %(logs)s,
        digest = mod(digest + %(digest)s::numeric, {MODULUS}),
        endpoints = ARRAY(SELECT DISTINCT unnest(endpoints || %(endpoints)s::text[]) ORDER BY 1), read_at = now()
    WHERE id = (SELECT id FROM readings WHERE {{scan}} AND to_block = %(first)s - 1 ORDER BY id DESC LIMIT 1)
      AND level = %(level)s AND watch_version IS NOT DISTINCT FROM %(version)s AND audited_at IS NULL
      AND (endpoints = %(endpoints)s::text[] OR level > {Level.CLAIMED:d})
      AND (digest IS NULL) = (%(digest)s::numeric IS NULL) AND %(last)s - from_block < {LONGEST}
      AND from_block >= %(since)s
    RETURNING id
)
INSERT INTO readings (scan_id, from_block, to_block, level, endpoints, log_count, digest, watch_version)
SELECT %(scan)s, %(first)s, %(last)s, %(level)s, %(endpoints)s, %(logs)s, %(digest)s, %(version)s
WHERE NOT EXISTS (SELECT FROM extended)
"""
NOTE_OF_SCAN = NOTE.format(scan="scan_id = %(scan)s")
NOTE_OF_HEAD = NOTE.format(scan="scan_id IS NULL")

# Blocks by level over everything that was read. What a worker of an earlier release has read after the tables became
# these has no level, nor has a segment that it has begun: one endpoint's word.
LEVEL_BLOCKS = f"""
SELECT level, sum(blocks)::bigint FROM (
    SELECT level, to_block - from_block + 1 AS blocks FROM readings
    UNION ALL
    SELECT coalesce(level, {Level.CLAIMED:d}), 1 FROM blocks
    WHERE number > (SELECT coalesce((value #>> '{{}}')::bigint, -1) FROM settings WHERE key = %s)
    UNION ALL
    SELECT {Level.CLAIMED:d}, cursor - from_block FROM segments WHERE level IS NULL AND cursor > from_block
) AS read GROUP BY level
"""
COUNT = """
UPDATE settings SET updated_at = now(),
    value = jsonb_set(value, ARRAY[%(word)s], to_jsonb(coalesce((value ->> %(word)s)::bigint, 0) + %(blocks)s))
WHERE key = %(key)s
"""


# A block says the weakest of what it was checked against for any of its jobs. What was read before a job left holds
# logs of that job, and does not become comparable again because others come.
TAKE_UP = f"""
UPDATE blocks SET level = least(coalesce(blocks.level, {Level.CLAIMED:d}), taken.level), watch_version = %(version)s,
    log_count = blocks.log_count + taken.logs,
    digest = CASE WHEN %(whole)s AND blocks.watch_version >= (SELECT value::int FROM settings WHERE key = %(left)s)
                  THEN mod(blocks.digest + taken.digest, {MODULUS}) END,
    endpoints = ARRAY(SELECT DISTINCT unnest(blocks.endpoints || string_to_array(taken.endpoints, ' ')) ORDER BY 1)
FROM unnest(%(number)s::bigint[], %(level)s::int[], %(logs)s::int[], %(digest)s::numeric[], %(endpoints)s::text[])
    AS taken (number, level, logs, digest, endpoints)
WHERE blocks.number = taken.number
"""


class Provenance(NamedTuple):
    """What a batch was checked against, and the labels of the endpoints that it rests on."""

    level: Level
    endpoints: tuple[str, ...]


UNKNOWN = Provenance(Level.CLAIMED, ())


class Run(NamedTuple):
    """Blocks `first` to `last`, read the same way; `logs` and `digest` None where they are not known any more."""

    first: int
    last: int
    level: Level
    endpoints: tuple[str, ...]
    logs: int | None
    digest: int | None
    version: int | None = None


def note_run(cur: Cur, run: Run, scan: int | None = None, since: int = 0) -> None:
    """Add a run of final blocks to the readings of a scan, or of the latest loop; to none that began before `since`."""
    cur.execute(
        NOTE_OF_HEAD if scan is None else NOTE_OF_SCAN,
        run._asdict() | {"scan": scan, "endpoints": sorted(run.endpoints), "since": since},
    )


def note_final_blocks(cur: Cur, before: int, final: int) -> None:
    """Tell in runs how the blocks in (before, final] were read, as they become final."""
    rows = cur.execute(
        "SELECT number, level, endpoints, log_count, digest, watch_version FROM blocks"
        " WHERE number BETWEEN %s AND %s ORDER BY number",
        [before, final],
    ).fetchall()
    # Heights between two blocks have none of their own: they were read with the upper one.
    runs = [
        Run(
            below[0] + 1,
            number,
            Level(level),
            tuple(endpoints),
            logs,
            None if digest is None else int(digest),
            version,
        )
        for below, (number, level, endpoints, logs, digest, version) in pairwise(rows)
        if level is not None
    ]
    for run in join_runs(runs):
        note_run(cur, run)


def join_runs(runs: Iterable[Run]) -> list[Run]:
    """Neighbours of the same kind as one."""
    joined: list[Run] = []
    for run in runs:
        if joined and are_alike(joined[-1], run):
            joined[-1] = join(joined[-1], run)
        else:
            joined.append(run)
    return joined


def are_alike(one: Run, next: Run) -> bool:
    return (
        one.last + 1 == next.first
        and (one.level, one.version, one.digest is None) == (next.level, next.version, next.digest is None)
        and (one.level > Level.CLAIMED or one.endpoints == next.endpoints)
    )


def join(one: Run, next: Run) -> Run:
    known = one.digest is not None and next.digest is not None
    return one._replace(
        last=next.last,
        endpoints=tuple(sorted({*one.endpoints, *next.endpoints})),
        logs=(one.logs or 0) + (next.logs or 0) if known else None,
        digest=((one.digest or 0) + (next.digest or 0)) % MODULUS if known else None,
    )


def note_take_up(cur: Cur, runs: Iterable[Run], *, version: int, whole: bool) -> None:
    """Add what was read of single blocks for new jobs to what is said of these; not `whole`: some jobs have left."""
    read = list(runs)
    cur.execute(
        TAKE_UP,
        {
            "version": version,
            "left": LEFT_VERSION,
            "whole": whole,
            "number": [run.last for run in read],
            "level": [run.level for run in read],
            "logs": [run.logs for run in read],
            "digest": [run.digest for run in read],
            "endpoints": [" ".join(run.endpoints) for run in read],
        },
    )


def count_level(cur: Cur, level: Level, blocks: int) -> None:
    """Say that `blocks` more were read at this level."""
    cur.execute(COUNT, {"key": LEVELS, "word": level.word, "blocks": blocks})


def count_level_if_new(cur: Cur, level: Level, blocks: int) -> None:
    """The same where nothing was read at this level before: the weakest one is said at once, without a lock that
    historic loops would wait for each other for. Whoever counts anew is waited for: it does not see these blocks."""
    said = {"key": LEVELS, "word": level.word, "blocks": blocks}
    if cur.execute(f"{COUNT} AND NOT value ? %(word)s", said).rowcount:
        return
    if cur.execute("SELECT value ? %(word)s FROM settings WHERE key = %(key)s FOR SHARE", said).fetchone() == (False,):
        count_level(cur, level, blocks)


def refresh_levels(cur: Cur) -> None:
    """Count anew; the caller holds the cursor row."""
    cur.execute("SELECT 1 FROM settings WHERE key = %s FOR UPDATE", [LEVELS])
    rows = cur.execute(LEVEL_BLOCKS, [FINAL]).fetchall()
    put(cur, LEVELS, {Level(level).word: blocks for level, blocks in sorted(rows)})


def clip_readings(cur: Cur, above: int) -> None:
    """Forget what was read above a block that is no longer final."""
    cur.execute("DELETE FROM readings WHERE from_block > %s", [above])
    cur.execute(
        "UPDATE readings SET to_block = %s, log_count = NULL, digest = NULL WHERE to_block > %s", [above, above]
    )
