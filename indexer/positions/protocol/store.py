"""Rows of logs: written so that any batch may be replayed, in any order, by any number of workers.

Every statement takes its rows in one order, (address, job, …), so that concurrent writers cannot deadlock.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from indexer.positions.protocol.arrays import bytes_array, number_array
from indexer.positions.protocol.bulk import store_pairs
from indexer.positions.protocol.state import Cur
from indexer.positions.watch import Matches, Touch, Unreadable

log = logging.getLogger(__name__)

LOGS = """
INSERT INTO logs (address, job_id, first_block)
SELECT * FROM unnest(%(address)s::bytea[], %(job)s::int[], %(block)s::bigint[])
ON CONFLICT (address, job_id) DO UPDATE SET first_block = EXCLUDED.first_block
WHERE logs.first_block > EXCLUDED.first_block
"""

METADATA = """
INSERT INTO log_metadata (address, job_id, key, value_sha256, value, first_block)
SELECT * FROM unnest(%(address)s::bytea[], %(job)s::int[], %(key)s::text[], %(digest)s::bytea[], %(value)s::text[],
                     %(block)s::bigint[])
ON CONFLICT (address, job_id, key, value_sha256) DO UPDATE SET first_block = EXCLUDED.first_block
WHERE log_metadata.first_block > EXCLUDED.first_block
"""

UNSETTLED = """
INSERT INTO unsettled (block_number, address, job_id, key, value_sha256)
SELECT * FROM unnest(%(block)s::bigint[], %(address)s::bytea[], %(job)s::int[], %(key)s::text[], %(digest)s::bytea[])
"""

# The job's total moves by what this reading of a block changes, so a second reading of it changes nothing.
UNREADABLE = """
WITH said AS (
    SELECT * FROM unnest(%(job)s::int[], %(block)s::bigint[], %(count)s::int[], %(reason)s::text[])
        AS said (job_id, block_number, count, reason)
), known AS (
    SELECT job_id, block_number, known.count FROM unreadable_logs known JOIN said USING (job_id, block_number)
), written AS (
    INSERT INTO unreadable_logs (job_id, block_number, count, reason) SELECT * FROM said
    ON CONFLICT (job_id, block_number) DO UPDATE SET count = EXCLUDED.count, reason = EXCLUDED.reason
), change AS (
    SELECT job_id, sum(said.count - coalesce(known.count, 0)) AS by
    FROM said LEFT JOIN known USING (job_id, block_number) GROUP BY job_id
)
UPDATE jobs SET unreadable = unreadable + change.by FROM change WHERE jobs.id = change.job_id AND change.by <> 0
"""


class Stored(NamedTuple):
    """`rows` of logs and metadata written, new ones and earlier first blocks; `unreadable_changed`: some job's total of
    unreadable logs has, which changes what lookups must say."""

    rows: int
    unreadable_changed: bool


def digest_of(value: str) -> bytes:
    """What stands for a metadata value in keys; the value itself may be longer than an index entry can be."""
    return sha256(value.encode()).digest()


def store_matches(cur: Cur, matches: Matches, *, settled: bool) -> Stored:
    """Write what a batch of blocks has touched; above final (`settled` false) also which block touched what."""
    log.debug("%d touches to store, %d unreadable logs", len(matches.touches), len(matches.unreadable))
    rows = store_touches(cur, matches.touches) + store_pairs(cur, matches.found)
    if not settled:
        store_unsettled(cur, matches.touches)
    return Stored(rows, store_unreadable(cur, matches.unreadable))


def store_touches(cur: Cur, touches: Iterable[Touch]) -> int:
    """Rows written."""
    written = 0
    pools: dict[tuple[bytes, int], int] = {}
    metadata: dict[tuple[bytes, int, str, bytes], tuple[str, int]] = {}
    for block, address, job, key, value in touches:
        pools[address, job] = min(block, pools.get((address, job), block))
        if key is not None and value is not None:
            of = (address, job, key, digest_of(value))
            metadata[of] = (value, min(block, metadata.get(of, (value, block))[1]))
    if pools:
        rows = sorted(pools.items())
        cur.execute(
            LOGS,
            {
                "address": bytes_array([address for (address, _), _ in rows]),
                "job": number_array([job for (_, job), _ in rows]),
                "block": number_array([block for _, block in rows]),
            },
        )
        written += cur.rowcount
    if metadata:
        values = sorted(metadata.items())
        cur.execute(
            METADATA,
            {
                "address": bytes_array([of[0] for of, _ in values]),
                "job": number_array([of[1] for of, _ in values]),
                "key": [of[2] for of, _ in values],
                "digest": bytes_array([of[3] for of, _ in values]),
                "value": [value for _, (value, _) in values],
                "block": number_array([block for _, (_, block) in values]),
            },
        )
        written += cur.rowcount
    return written


def store_unsettled(cur: Cur, touches: Iterable[Touch]) -> None:
    rows = sorted(set(touches), key=lambda touch: (touch.block, touch.address, touch.job))
    if rows:
        cur.execute(
            UNSETTLED,
            {
                "block": number_array([touch.block for touch in rows]),
                "address": bytes_array([touch.address for touch in rows]),
                "job": number_array([touch.job for touch in rows]),
                "key": [touch.key for touch in rows],
                "digest": bytes_array([None if touch.value is None else digest_of(touch.value) for touch in rows]),
            },
        )


def store_unreadable(cur: Cur, unreadable: Iterable[Unreadable]) -> bool:
    rows = sorted(unreadable, key=lambda row: (row.job, row.block))
    if not rows:
        return False
    cur.execute(
        UNREADABLE,
        {
            "job": [row.job for row in rows],
            "block": [row.block for row in rows],
            "count": [row.count for row in rows],
            "reason": [row.reason for row in rows],
        },
    )
    return cur.rowcount > 0


def keep_jobs(matches: Matches, jobs: set[int]) -> Matches:
    """The part of a batch that belongs to these jobs; logs are counted and summed as read."""
    return replace(
        matches,
        touches=[touch for touch in matches.touches if touch.job in jobs],
        found=matches.found.take(np.isin(matches.found.jobs, list(jobs))),
        unreadable=[row for row in matches.unreadable if row.job in jobs],
    )
