"""Pairs stored by the hundred thousand leave the rows that touches stored one by one leave, in any order of writers."""

from collections.abc import Callable
from random import Random
from threading import Thread

import numpy as np
import psycopg
import pytest

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.positions.pairs import EMPTY, Pairs
from indexer.positions.protocol.bulk import PART, estimate_rows, store_pairs
from indexer.positions.protocol.store import store_touches
from indexer.positions.watch import Touch

Row = tuple[bytes, int, int]
"""Address, job, block."""


def pairs_of(rows: list[Row]) -> Pairs:
    return Pairs(
        np.frombuffer(b"".join(row[0] for row in rows), np.uint8).reshape(-1, 20),
        np.array([row[1] for row in rows], np.int32),
        np.array([row[2] for row in rows], np.int64),
    )


def store(connection: Connection, pairs: Pairs) -> int:
    with connection.transaction(), connection.cursor() as cur:
        return store_pairs(cur, pairs)


def store_slowly(connection: Connection, pairs: Pairs) -> int:
    rows = zip(pairs.addresses, pairs.jobs.tolist(), pairs.blocks.tolist(), strict=True)
    with connection.transaction(), connection.cursor() as cur:
        return store_touches(cur, [Touch(block, address.tobytes(), job, None, None) for address, job, block in rows])


def logs(connection: Connection) -> list[Row]:
    return connection.execute("SELECT address, job_id, first_block FROM logs ORDER BY 1, 2").fetchall()


def some_rows(random: Random, count: int) -> list[Row]:
    return [
        (random.randrange(200).to_bytes(20), random.choice([0, 1, 2**31 - 1]), random.choice([0, 7, 2**31, 2**63 - 1]))
        for _ in range(count)
    ]


def test_batches_leave_what_touches_leave(connection: Connection) -> None:
    batches = [pairs_of(some_rows(Random(seed), 1 + 40 * seed)) for seed in range(12)]

    def rows_after(store: Callable[[Connection, Pairs], int]) -> tuple[list[int], list[Row]]:
        connection.execute("DELETE FROM logs")
        return [store(connection, batch) for batch in batches], logs(connection)

    # More than psycopg prepares a statement after, so that the prepared one is tried too.
    assert rows_after(store) == rows_after(store_slowly)


def test_a_batch_again_writes_nothing_and_locks_nothing(connection: Connection, chain: Chain) -> None:
    rows = some_rows(Random(1), 500)
    assert store(connection, pairs_of(rows)) == len({row[:2] for row in rows})
    with connect(chain) as other, other.transaction():
        other.execute("SELECT FROM logs FOR UPDATE")
        connection.execute("SET lock_timeout = '1s'")
        assert store(connection, pairs_of(rows)) == 0
        with pytest.raises(psycopg.errors.LockNotAvailable):
            store(connection, pairs_of([(*row[:2], row[2] - 1) for row in rows if row[2]]))


def test_an_earlier_block_is_written_and_a_later_one_is_not(connection: Connection) -> None:
    address = b"\x07" * 20
    written = [store(connection, pairs_of([(address, 5, block)])) for block in (10, 11, 10, 9, 2**40, 0)]
    assert written == [1, 0, 0, 1, 0, 1]
    assert logs(connection) == [(address, 5, 0)]


def test_no_pairs_are_no_statement(connection: Connection) -> None:
    assert store(connection, EMPTY) == 0


def test_writers_of_the_same_pairs_never_deadlock(connection: Connection, chain: Chain) -> None:
    """Both write all pairs, each time with earlier blocks, in orders of their own."""
    rows = [(number.to_bytes(20), 1, 0) for number in range(700)]
    failures: list[Exception] = []

    def write(seed: int) -> None:
        random = Random(seed)
        try:
            with connect(chain) as connection:
                for block in range(100 + seed, 80, -2):
                    shuffled = [(*row[:2], block) for row in random.sample(rows, len(rows))]
                    store(connection, pairs_of(shuffled))
        except Exception as error:
            failures.append(error)

    writers = [Thread(target=write, args=[seed]) for seed in (0, 1)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert {block for _, _, block in logs(connection)} == {81}


def test_a_batch_of_several_parts_is_stored_whole(connection: Connection) -> None:
    count = PART + 5
    addresses = np.zeros((count, 20), np.uint8)
    addresses[:, :4] = np.arange(count, dtype=">u4").view(np.uint8).reshape(-1, 4)
    pairs = Pairs(addresses, np.ones(count, np.int32), np.arange(count))
    assert store(connection, pairs) == count
    assert store(connection, pairs) == 0
    assert connection.execute("SELECT count(*), count(*) FILTER (WHERE first_block = 0) FROM logs").fetchone() == (
        count,
        1,
    )
    connection.execute("ANALYZE logs")
    with connection.cursor() as cur:
        assert estimate_rows(cur) == count
    connection.execute("TRUNCATE logs")


def test_a_table_that_was_empty_when_it_was_analyzed_is_read_by_its_key_alone(connection: Connection) -> None:
    connection.execute("TRUNCATE logs")
    connection.execute("VACUUM (ANALYZE) logs")
    rows = [(number.to_bytes(20), 1, 5) for number in range(2_000)]
    # Of the whole table, or by any other index.
    scans = """
        SELECT pg_stat_get_xact_numscans(to_regclass('logs')) + sum(pg_stat_get_xact_numscans(indexrelid))
        FROM pg_index WHERE indrelid = to_regclass('logs') AND NOT indisprimary
    """
    with connection.transaction(), connection.cursor() as cur:
        before = cur.execute(scans).fetchone()
        assert store_pairs(cur, pairs_of(rows)) == 2_000
        assert cur.execute(scans).fetchone() == before
        for setting in ("enable_seqscan", "enable_bitmapscan"):
            assert cur.execute(f"SHOW {setting}").fetchone() == ("on",)
