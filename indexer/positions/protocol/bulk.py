"""Pairs by the hundred thousand into `logs`: a statement whose arrays NumPy writes as PostgreSQL's wire has them.

An array of n values without nulls, every number a big-endian int4, is 1 (dimensions), 0 (nulls), the type's OID, n,
1 (the first subscript), and then for each value its length in bytes and the value itself:
https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/arrayfuncs.c, array_recv.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import pq
from psycopg.abc import Buffer
from psycopg.adapt import Dumper

from indexer.positions.pairs import Pairs, distinct
from indexer.positions.protocol.state import Cur

# EXPLAIN: a function scan, for each of its rows a probe of logs_pkey, and an insert of those left.
# Most rows of a batch are often stored already. ON CONFLICT alone would lock every one of them, which writes to its
# page and to the log: with 5% new rows it took three times as long. OFFSET 0 keeps the planner from joining, for which
# it would read the whole table. What the probe does not see yet, ON CONFLICT waits for.
INSERT = """
INSERT INTO logs (address, job_id, first_block)
SELECT address, job_id, first_block
FROM unnest(%(addresses)s::bytea[], %(jobs)s::int[], %(blocks)s::bigint[]) AS pair (address, job_id, first_block)
WHERE NOT EXISTS (
    SELECT FROM logs
    WHERE (logs.address, logs.job_id) >= (pair.address, pair.job_id)
      AND (logs.address, logs.job_id) <= (pair.address, pair.job_id) AND logs.first_block - pair.first_block <= 0
    OFFSET 0)
ON CONFLICT (address, job_id) DO UPDATE SET first_block = EXCLUDED.first_block
WHERE logs.first_block > EXCLUDED.first_block
"""

# To the planner a table that was empty when it was last analyzed stays so: each probe would read all of it, or all rows
# of its job, while the rows of the statement make it grow (20,000 took 9 s, 100,000 minutes). Comparing both columns as
# a row leaves no index but the key; how many rows that finds it cannot tell, and would compile the statement for many.
BY_INDEX = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off"
AS_EVER = "SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_bitmapscan TO DEFAULT; SET LOCAL jit TO DEFAULT"

BYTEA, INT4, INT8 = 17, 23, 20
"""OIDs of pg_type, the same in every PostgreSQL."""


PART = 100_000
"""Rows of one statement. They are sorted over all parts, so that a page of the key is still visited once; both sides
hold only a part in its wire form, 4 MB."""


class Wire(bytes):
    """A parameter in PostgreSQL's binary format, whose type its cast in the statement names."""


class WireDumper(Dumper):
    format = pq.Format.BINARY

    def dump(self, obj: Wire) -> Buffer:
        return obj


def store_pairs(cur: Cur, pairs: Pairs) -> int:
    """Write pairs that are not stored with their block or an earlier one; rows written, new ones and earlier blocks.

    Repeats are allowed. The caller holds a lock that whatever deletes rows of `logs` waits for (the cursor row, or
    `rewind` and its scan): rows found here are not locked.
    """
    rows = distinct(pairs)
    if rows.size == 0:
        return 0
    cur.adapters.register_dumper(Wire, WireDumper)
    cur.execute(BY_INDEX, prepare=False)
    written = 0
    for start in range(0, rows.size, PART):
        part = slice(start, start + PART)
        written += cur.execute(INSERT, columns_of(rows.take(part))).rowcount
    cur.execute(AS_EVER, prepare=False)
    return written


def estimate_rows(cur: Cur) -> int:
    """How many rows `logs` has, by the statistics of the last VACUUM or ANALYZE; 0 before the first."""
    row = cur.execute("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass('logs')").fetchone()
    return 0 if row is None else int(row[0])


def columns_of(pairs: Pairs) -> dict[str, Wire]:
    """The parameters of INSERT, for a cursor that knows the dumper."""
    return {
        "addresses": _write_array(BYTEA, pairs.addresses, "(20,)u1"),
        "jobs": _write_array(INT4, pairs.jobs, ">i4"),
        "blocks": _write_array(INT8, pairs.blocks, ">i8"),
    }


def _write_array(oid: int, values: NDArray[Any], form: str) -> Wire:
    """`form` is NumPy's name for the bytes of one value."""
    items = np.empty(len(values), np.dtype([("length", ">i4"), ("value", form)]))
    items["length"] = items.dtype["value"].itemsize
    items["value"] = values
    return Wire(np.array([1, 0, oid, len(values), 1], ">i4").tobytes() + items.tobytes())
