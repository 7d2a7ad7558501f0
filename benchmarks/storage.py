"""What a stored pair takes on disk, and how fast pairs are written, by how many there are already.

    python -m benchmarks.storage [--sizes 0,1,10,50,100] [--rounds 3] [--explain] [--json FILE]

It makes a database of its own beside the configured one (DATABASE_URL, or the benchmarks' own server's) with one chain,
and removes it at the end. `--sizes` are millions of rows: each size is filled by COPY in the order of the key, the
other indexes are built afterwards, and then batches are stored of the size that the code gathers for such a table, all
of them new or one in twenty. 100 million rows take some seven minutes to fill, and 15 GB; give --sizes 0,1,10 for a
minute. Bytes are measured at 10 million rows (--pairs), twice: written in sorted batches of 100,000 and built in bulk;
after VACUUM, and after rebuild_indexes.

Rates depend on the server's settings, which are printed; CPU is the server process's own and depends on nothing else
that runs. WAL is what the batch wrote to PostgreSQL's log: 0.3 kB a row, and beyond that whole pages.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from django.db import connection as django_connection
from django.test.utils import setup_databases, teardown_databases
from numpy.typing import NDArray

from benchmarks.figures import Figure, add_json_option, report
from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain, schema_of
from indexer.positions.pairs import Pairs, distinct, merge, pairs_to_gather
from indexer.positions.protocol.bulk import INSERT, Wire, WireDumper, columns_of, store_pairs
from indexer.positions.rebuilding import rebuild_indexes

DATABASE = "footprint_benchmark_storage"
MILLION = 1_000_000
PAIRS_PER_USER = 3
BATCH = 100_000
SETTINGS = (
    "server_version",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "wal_level",
    "wal_compression",
    "full_page_writes",
    "synchronous_commit",
)
FLOOR_BYTES, GOAL_BYTES = 125.0, 100.0
FLOOR_RATE, GOAL_RATE = 20_000.0, 100_000.0
SIZE = "SELECT pg_table_size('logs'), pg_indexes_size('logs'), (SELECT count(*) FROM logs)"
TICKS = 100.0
"""Of /proc's CPU clock, in a second."""


@contextmanager
def new_chain() -> Iterator[Connection]:
    django_connection.settings_dict["TEST"]["NAME"] = DATABASE
    made = setup_databases(verbosity=0, interactive=False, aliases={"default": None})
    try:
        chain = Chain(schema_name=schema_of("storage"), slug="storage", chain_id=900_000)
        chain.save(verbosity=0)
        with connect(chain) as opened:
            yield opened
    finally:
        teardown_databases(made, verbosity=0)


def scatter(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A number that looks drawn at random for each (splitmix64)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def stored_pairs(numbers: NDArray[np.uint64], rows: int) -> Pairs:
    """The pairs of these numbers in a table of so many, in the order of the key; each user has three, of 20,000 jobs,
    a few of them popular."""
    users = numbers // PAIRS_PER_USER
    words = np.empty((len(numbers), 3), ">u8")
    words[:, 0] = users * np.uint64((2**64 - 1) // (rows // PAIRS_PER_USER + 1))
    words[:, 1], words[:, 2] = scatter(users), scatter(users + np.uint64(7))
    nth = (numbers % PAIRS_PER_USER).astype(np.int32)
    popular = (scatter(numbers * np.uint64(11)) / 2.0**64) ** 3
    jobs = (6_666 * popular).astype(np.int32) * PAIRS_PER_USER + nth
    return Pairs(words.view(np.uint8)[:, :20].copy(), jobs, (numbers % MILLION).astype(np.int64))


def new_pairs(count: int, random: np.random.Generator) -> Pairs:
    addresses = random.integers(0, 256, (count, 20), dtype=np.uint8)
    jobs = (20_000 * random.random(count) ** 3).astype(np.int32)
    return Pairs(addresses, jobs, random.integers(MILLION, 20 * MILLION, count))


def fill(connection: Connection, rows: int) -> None:
    """COPY into the empty table, the key beside it, the other indexes after."""
    others = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = current_schema AND tablename = 'logs' AND indexname <> 'logs_pkey'"
    ).fetchall()
    # What is written to a table that the same transaction has truncated needs no log where wal_level is minimal.
    with connection.transaction():
        connection.execute("TRUNCATE logs")
        for name, _ in others:
            connection.execute(f"DROP INDEX {name}")
        for start in range(0, rows, MILLION):
            numbers = np.arange(start, min(start + MILLION, rows), dtype=np.uint64)
            copy(connection, stored_pairs(numbers, rows))
        connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
        for _, definition in others:
            connection.execute(definition)
    connection.execute("VACUUM (ANALYZE) logs")


def copy(connection: Connection, pairs: Pairs) -> None:
    form = [("n", ">i2"), ("a", ">i4"), ("address", "(20,)u1"), ("j", ">i4"), ("job", ">i4"), ("b", ">i4")]
    rows = np.empty(pairs.size, np.dtype([*form, ("block", ">i8")]))
    rows["n"], rows["a"], rows["j"], rows["b"] = 3, 20, 4, 8
    rows["address"], rows["job"], rows["block"] = pairs
    with (
        connection.cursor() as cur,
        cur.copy("COPY logs (address, job_id, first_block) FROM STDIN (FORMAT binary)") as into,
    ):
        into.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        into.write(rows.tobytes())
        into.write(b"\xff\xff")


def bytes_per_pair(connection: Connection) -> float:
    connection.execute("VACUUM (ANALYZE) logs")
    row = connection.execute(SIZE).fetchone()
    assert row is not None
    return float((row[0] + row[1]) / row[2])


def measure_bytes(connection: Connection, rows: int) -> Iterator[Figure]:
    def figure(name: str, note: str = "") -> Figure:
        measured = [bytes_per_pair(connection)]
        name = f"bytes per pair, {name}"
        return Figure(name=name, unit="B", values=measured, floor=FLOOR_BYTES, goal=GOAL_BYTES, at_most=True, note=note)

    random = np.random.default_rng(3)
    connection.execute("TRUNCATE logs")
    for _ in range(0, rows, BATCH):
        with connection.transaction(), connection.cursor() as cur:
            store_pairs(cur, new_pairs(BATCH, random))
    yield figure("sorted batches, as they fall", "pages of the key are split and two thirds full")
    rebuild_indexes(connection, lambda index: None)
    yield figure("sorted batches, rebuild_indexes", "a row is 68, its key 44, a page's room 3, its job 7")
    fill(connection, rows)
    yield figure("built in bulk")


def cpu_of(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure_rates(connection: Connection, millions: int, rounds: int) -> Iterator[Figure]:
    rows = millions * MILLION
    fill(connection, rows)
    random = np.random.default_rng(time.monotonic_ns())
    process = connection.info.backend_pid
    for size in sorted({BATCH, pairs_to_gather(rows)}):
        for share in (1.0, 0.05) if rows else (1.0,):
            rates: list[float] = []
            cpu: list[float] = []
            wal: list[float] = []
            for _ in range(rounds):
                new = int(size * share)
                known = stored_pairs(random.integers(0, max(rows, 1), size - new).astype(np.uint64), rows)
                pairs = merge([new_pairs(new, random), known])
                start = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
                assert start is not None
                used, began = cpu_of(process), time.perf_counter()
                with connection.transaction(), connection.cursor() as cur:
                    store_pairs(cur, pairs)
                rates.append(size / (time.perf_counter() - began))
                cpu.append((cpu_of(process) - used) * MILLION / size)
                moved = connection.execute("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", start).fetchone()
                assert moved is not None
                wal.append(float(moved[0]) / size)
            what = f"{size:,} pairs, {share:.0%} new, into {millions} million"
            bounds = (FLOOR_RATE, GOAL_RATE) if share == 1 and size > BATCH else (None, None)
            series = f"{size:,} pairs, {share:.0%} new"
            note = f"server CPU {min(cpu):.1f} s a million, WAL {min(wal):,.0f} to {max(wal):,.0f} B a pair"
            yield Figure(
                name=what,
                unit="pairs/s",
                values=rates,
                floor=bounds[0],
                goal=bounds[1],
                note=note,
                series=series,
                x=float(rows),
            )
            print(f"{what}: {note}", flush=True)


def explain(connection: Connection, rows: int) -> None:
    """The plan of one part of a batch, half of it new."""
    random = np.random.default_rng(4)
    known = stored_pairs(random.integers(0, max(rows, 1), 5_000).astype(np.uint64), rows)
    pairs = distinct(merge([new_pairs(5_000, random), known]))
    with connection.transaction(force_rollback=True), connection.cursor() as cur:
        cur.adapters.register_dumper(Wire, WireDumper)
        for (line,) in cur.execute("EXPLAIN (ANALYZE, BUFFERS, WAL) " + INSERT, columns_of(pairs)).fetchall():
            print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", default="0,1,10,50,100", help="millions of rows, joined by commas")
    parser.add_argument("--pairs", type=int, default=10, help="millions of rows whose bytes are measured; 0: none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--explain", action="store_true", help="print the plan at the last size")
    add_json_option(parser)
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",") if size]
    figures: list[Figure] = []
    with new_chain() as connection:
        for name in SETTINGS:
            print(f"{name} = {connection.execute(f'SHOW {name}').fetchall()[0][0]}")
        if given.pairs:
            figures += measure_bytes(connection, given.pairs * MILLION)
        for millions in sizes:
            figures += measure_rates(connection, millions, given.rounds)
        if given.explain and sizes:
            explain(connection, sizes[-1] * MILLION)
    report(figures, given.json)


if __name__ == "__main__":
    main()
