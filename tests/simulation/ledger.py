"""Is what the index says of its own readings true? A level that promises the truth is held against it, block by block."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from indexer.chains.connections import Connection
from indexer.positions.digest import MODULUS, log_digest
from indexer.rpc import Level, Log
from tests.simulation.blocks import Block
from tests.simulation.chain import Chain

# Jobs are known where none has left since: then a reading's digest is over the logs of exactly these.
BLOCKS = """
SELECT number, hash, level, digest,
       (SELECT array_agg(contract_address || topic0) FROM jobs
        WHERE enabled AND NOT retired AND live_from <= number)
FROM blocks
WHERE level >= %(level)s AND digest IS NOT NULL
  AND watch_version >= (SELECT value::int FROM settings WHERE key = 'left_version')
"""
READINGS = """
SELECT from_block, to_block, level, digest,
       CASE WHEN scan_id IS NULL
            THEN (SELECT array_agg(contract_address || topic0) FROM jobs
                  WHERE enabled AND NOT retired AND live_from <= from_block)
            ELSE (SELECT array_agg(contract_address || topic0) FROM scan_jobs JOIN jobs ON jobs.id = job_id
                  WHERE scan_jobs.scan_id = readings.scan_id AND need @> int8range(from_block, to_block, '[]')) END
FROM readings LEFT JOIN scans ON scans.id = scan_id
WHERE level >= %(level)s AND digest IS NOT NULL
  AND CASE WHEN scan_id IS NULL
           THEN watch_version >= (SELECT value::int FROM settings WHERE key = 'left_version')
           ELSE NOT "left" END
"""
LEVELS = """
SELECT (SELECT value FROM settings WHERE key = 'levels'),
       (SELECT min(level) FROM (SELECT level FROM readings UNION ALL SELECT level FROM blocks) AS read)
"""

def check_levels(chain: Chain, connection: Connection, level: Level) -> None:
    """What was read at this level or a stronger one is what these blocks hold; and no weaker one is kept secret."""
    for number, hash_, read, digest, jobs in connection.execute(BLOCKS, {"level": level}):
        block = chain.by_hash["0x" + hash_.hex()]
        assert digest == digest_of([block], jobs), f"block {number} was read as {Level(read).word}, and wrongly"
    for first, last, read, digest, jobs in connection.execute(READINGS, {"level": level}):
        blocks = [chain.canonical[number] for number in range(first, last + 1) if number in chain.canonical]
        assert digest == digest_of(blocks, jobs), f"blocks {first}-{last} were read as {Level(read).word}, and wrongly"
    row = connection.execute(LEVELS).fetchone()
    assert row is not None
    said, weakest = row
    assert weakest is None or Level(weakest).word in said, f"something was read as {Level(weakest).word}: {said}"


def digest_of(blocks: Iterable[Block], pairs: Sequence[bytes] | None) -> int:
    """The sum over every log and every job that watches it; `pairs` has a contract and a topic0 for each job."""
    watchers = Counter(pairs or ())
    total = 0
    for block in blocks:
        for log, deed in zip(block.logs, block.deeds, strict=True):
            watching = watchers[deed.contract + b"".join(deed.topics[:1])]
            if watching:
                total += watching * log_digest(msgspec.convert(log, Log))
    return total % MODULUS
