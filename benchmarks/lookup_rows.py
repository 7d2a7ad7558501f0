"""A database of lookups at scale: as many chains as asked for, filled in minutes, with users as chains have them.

A user is a number; everything about it is computed from that, so that who asks needs no list. A fifth of all users is
on a given chain, and there most have one pool or two and some have hundreds: the share of those with k or more falls as
k ** -1.5, up to 500, which makes 2.5 on average, and five rows of all chains together for every user. Rows lie in the
table as an indexer writes them: by block, and within a batch by address, so that a user's rows are far from each other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from indexer.chains.connections import Connection

JOBS = 5_003  # a prime number: any step through them meets each once
MOST_POOLS = 500
ROWS_OF_A_USER = 5.0
BATCH = 100_000
LAST_BLOCK = 20_000_000

# A job is a contract; every hundredth stores metadata, and all are covered.
ADD_JOBS = f"""
INSERT INTO jobs (contract_address, topic0, user_topic, metadata_argument, enabled, retired, floor, live_from, covered,
                  complete, unreadable, attempts)
SELECT substr(sha256(('pool' || n)::bytea), 1, 20), '\\x00', 2, CASE WHEN n % 100 = 0 THEN 'tokenId' END, true, false,
       0, 0, '{{}}', true, 0, 0
FROM generate_series(1, {JOBS}) AS n
"""
ADD_LABELS = """
INSERT INTO job_labels (job_id, source, protocol, product)
SELECT id, 'list', 'protocol' || id % 40, 'pool' || id % 3 FROM jobs
"""
ADD_METADATA = """
INSERT INTO log_metadata (address, job_id, key, value_sha256, value, first_block)
SELECT address, job_id, 'tokenId', sha256(first_block::text::bytea), first_block::text, first_block
FROM logs JOIN jobs ON jobs.id = job_id WHERE metadata_argument IS NOT NULL
ORDER BY address, job_id
"""
INDEXES = """
SELECT conname, pg_get_constraintdef(oid), true FROM pg_constraint WHERE conrelid = 'logs'::regclass AND contype = 'p'
UNION ALL
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), false FROM pg_index
WHERE indrelid = 'logs'::regclass AND NOT indisprimary
"""

# A row as COPY's binary format has it: three fields, each after its length, all big-endian.
ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("address_length", ">i4"),
        ("address", "V20"),
        ("job_length", ">i4"),
        ("job", ">i4"),
        ("block_length", ">i4"),
        ("block", ">i8"),
    ]
)
COPY_BEGINS, COPY_ENDS = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"

Numbers = NDArray[np.uint64]


def mix(numbers: Numbers, seed: int) -> Numbers:
    """Numbers that look drawn at random, the same for the same number and seed (splitmix64)."""
    mixed = (numbers + np.uint64(seed)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def addresses_of(users: Numbers) -> NDArray[np.void]:
    """20 bytes each."""
    words = np.stack([mix(users, seed << 40) for seed in (1, 2, 3)], axis=1).astype(">u8")
    return np.ascontiguousarray(words.view(np.uint8)[:, :20]).view("V20").ravel()


def pools_of(users: Numbers, chain: int) -> NDArray[np.int64]:
    """How many pools each user has on a chain; none on most."""
    drawn = (mix(users, (chain + 10) << 40) >> np.uint64(11)).astype(np.float64) / 2**53
    share = np.maximum(drawn * 5, 1e-9)
    pools: NDArray[np.int64] = np.minimum(np.floor(share ** (-1 / 1.5)), MOST_POOLS).astype(np.int64)
    pools[drawn >= 0.2] = 0
    return pools


def users_for(rows: int) -> int:
    return round(rows / ROWS_OF_A_USER)


def make_batches(users: int, chain: int) -> Iterator[NDArray[np.void]]:
    """The rows of a chain as its indexer would have written them, in batches of ROW; job 0 is the first."""
    numbers = np.arange(users, dtype=np.uint64)
    pools = pools_of(numbers, chain)
    of, pools = numbers[pools > 0], pools[pools > 0]
    whose = np.repeat(np.arange(len(of), dtype=np.uint32), pools)
    nth = np.arange(len(whose)) - np.repeat(np.cumsum(pools) - pools, pools)
    seeds = mix(of, (chain + 50) << 40)
    first, step = (seeds % np.uint64(JOBS)).astype(np.int64), 1 + (seeds >> np.uint64(40)).astype(np.int64) % (JOBS - 1)
    jobs = ((first[whose] + nth * step[whose]) % JOBS).astype(np.int32)
    order = np.random.default_rng(chain).permutation(len(whose))
    for begin in range(0, len(order), BATCH):
        chosen = order[begin : begin + BATCH]
        batch = np.zeros(len(chosen), ROW)
        batch["fields"], batch["address_length"], batch["job_length"], batch["block_length"] = 3, 20, 4, 8
        batch["address"] = addresses_of(of[whose[chosen]])
        batch["job"] = jobs[chosen]
        batch["block"] = (begin + np.arange(len(chosen))) * LAST_BLOCK // len(order)
        keys = np.ascontiguousarray(batch["address"]).view(np.uint8).reshape(-1, 20)[:, :8].copy().view(">u8").ravel()
        yield batch[np.argsort(keys)]


@contextmanager
def new_database(chains: int, rows: int, *, keep: bool) -> Iterator[None]:
    """The default database is a new one with as many chains and rows in all; removed at the end, if not to `keep`.

    One that was kept with as many is taken as it is.
    """
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    from indexer.chains.models import Chain

    connection.settings_dict["TEST"]["NAME"] = f"footprint_lookups_{chains}_{rows}"
    made = setup_databases(verbosity=0, interactive=False, aliases={"default": None}, keepdb=keep)
    try:
        if not Chain.objects.exists():
            for number in range(chains):
                fill(number, users_for(rows))
        yield
    finally:
        if not keep:
            teardown_databases(made, verbosity=0)


def fill(number: int, users: int) -> None:
    from indexer.chains.connections import connect
    from indexer.chains.models import Chain, schema_of
    from indexer.positions.protocol.coverage import refresh_coverage
    from indexer.positions.protocol.head import start_chain
    from indexer.positions.protocol.state import note_head
    from indexer.rpc import Header

    slug = f"benchmark_{number}"
    chain = Chain(schema_name=schema_of(slug), slug=slug, chain_id=900_000 + number)
    chain.save(verbosity=0)
    with connect(chain) as connection:
        connection.execute(ADD_JOBS)
        connection.execute(ADD_LABELS)
        connection.execute("SET maintenance_work_mem = '1GB'")
        fill_logs(connection, users, number)
        connection.execute(ADD_METADATA)
        start_chain(connection, Header(LAST_BLOCK, bytes(32), bytes(32), 1_700_000_000))
        note_head(connection, LAST_BLOCK + 1)
        with connection.transaction(), connection.cursor() as cur:
            refresh_coverage(cur)
        connection.execute("VACUUM ANALYZE")


def fill_logs(connection: "Connection", users: int, chain: int) -> None:
    """Rows first, frozen and past the write-ahead log, then the indexes that the table has."""
    (first,) = connection.execute("SELECT min(id) FROM jobs").fetchone() or (0,)
    indexes = connection.execute(INDEXES).fetchall()
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE logs")
        for name, _, is_key in indexes:
            cursor.execute(f"ALTER TABLE logs DROP CONSTRAINT {name}" if is_key else f"DROP INDEX {name}")
        with cursor.copy("COPY logs (address, job_id, first_block) FROM STDIN (FORMAT binary, FREEZE)") as copy:
            copy.write(COPY_BEGINS)
            for batch in make_batches(users, chain):
                batch["job"] += first
                copy.write(batch.tobytes())
            copy.write(COPY_ENDS)
        for name, definition, is_key in indexes:
            cursor.execute(f"ALTER TABLE logs ADD CONSTRAINT {name} {definition}" if is_key else definition)
