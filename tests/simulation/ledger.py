"""Is what the index says of its own readings true? A level that promises the truth is held against it."""

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
SELECT number, hash, level, digest, log_count,
       (SELECT array_agg(contract_address || topic0) FROM jobs
        WHERE enabled AND NOT retired AND live_from <= number)
FROM blocks
WHERE (level = %(bloom)s OR level >= %(level)s) AND digest IS NOT NULL
  AND watch_version >= (SELECT value::int FROM settings WHERE key = 'left_version')
"""
READINGS = """
SELECT from_block, to_block, level, digest, log_count,
       CASE WHEN scan_id IS NULL
            THEN (SELECT array_agg(contract_address || topic0) FROM jobs
                  WHERE enabled AND NOT retired AND live_from <= from_block)
            ELSE (SELECT array_agg(contract_address || topic0) FROM scan_jobs JOIN jobs ON jobs.id = job_id
                  WHERE scan_jobs.scan_id = readings.scan_id AND need @> int8range(from_block, to_block, '[]')) END
FROM readings LEFT JOIN scans ON scans.id = scan_id
WHERE (level = %(bloom)s OR level >= %(level)s) AND digest IS NOT NULL
  AND CASE WHEN scan_id IS NULL
           THEN watch_version >= (SELECT value::int FROM settings WHERE key = 'left_version')
           ELSE NOT "left" END
"""
OVERLAPS = """
SELECT one.scan_id, one.from_block, one.to_block, other.from_block, other.to_block
FROM readings AS one JOIN readings AS other
  ON one.id < other.id AND one.scan_id IS NOT DISTINCT FROM other.scan_id
 AND one.from_block <= other.to_block AND other.from_block <= one.to_block LIMIT 1
"""
LEVELS = """
SELECT (SELECT value FROM settings WHERE key = 'levels'),
       (SELECT min(level) FROM (SELECT level FROM readings UNION ALL SELECT level FROM blocks) AS read)
"""


def check_levels(chain: Chain, connection: Connection, level: Level) -> None:
    """What was read at this level or a stronger one is what these blocks hold, and nothing is said twice.

    What was read by the bloom holds no less than one log of every pair that there is: more the bloom cannot tell.
    """
    where = {"level": level, "bloom": Level.BLOOM}
    runs = [([chain.by_hash["0x" + hash_.hex()]], *said) for number, hash_, *said in connection.execute(BLOCKS, where)]
    for first, last, *said in connection.execute(READINGS, where):
        numbers = range(first, last + 1)
        runs.append(([chain.canonical[number] for number in numbers if number in chain.canonical], *said))
    for blocks, read, digest, logs, jobs in runs:
        words = f"{blocks} were read as {Level(read).word}, and wrongly"
        assert read < level or digest == digest_of(blocks, jobs), words
        assert read != Level.BLOOM or logs >= pairs_of(blocks, jobs), words
    twice = connection.execute(OVERLAPS).fetchone()
    assert twice is None, f"said twice to have been read: {twice}"


def check_weakest(connection: Connection) -> None:
    """No level is weaker than the weakest that is said."""
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


def pairs_of(blocks: Iterable[Block], pairs: Sequence[bytes] | None) -> int:
    """How many of the pairs have a log, summed over the blocks, each for every job that watches it."""
    watchers = Counter(pairs or ())
    return sum(
        watchers[pair]
        for block in blocks
        for pair in {deed.contract + b"".join(deed.topics[:1]) for deed in block.deeds}
    )
