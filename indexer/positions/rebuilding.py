"""How full the key of `logs` is, and building its indexes anew beside running writers.

Addresses come in no order: a page of the key that is full is split into two halves, so that on average a good two
thirds of the index is entries (65 bytes a row), where a new one is nearly full (48 bytes).
"""

from collections.abc import Callable
from typing import NamedTuple

from indexer.chains.connections import Connection

ENTRY = 44
"""Bytes of an entry of the key: 8 of header, 21 of address, 3 of padding, 4 of job, 4 more to the next multiple of 8,
and 4 of the page's list."""
FULL_ENOUGH = 0.77
"""Share of an index that is entries. A new one has 0.92; below this a sixth of it can be given back."""

KEY = "logs_pkey"
INDEXES = (KEY, "logs_of_job")
"""Both: what splits the pages of one splits those of the other."""

SIZES = """
SELECT reltuples, (SELECT sum(pg_relation_size(to_regclass(index))) FROM unnest(%(indexes)s::text[]) AS index)::bigint,
       pg_relation_size(to_regclass(%(key)s))
FROM pg_class WHERE oid = to_regclass('logs')
"""
# What a rebuilding that was interrupted leaves behind: never used, and written to all the same.
LEFT_BEHIND = """
SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = to_regclass('logs') AND NOT indisvalid AND relname ~ ('^(' || %s || ')_cc(new|old)[0-9]*$')
"""
# For as long as the connection lasts; the first number is this lock's own, the second the schema's.
LOCK = "SELECT pg_try_advisory_lock(776002, hashtext(current_schema))"


class Fullness(NamedTuple):
    """`size` is bytes of both indexes, `entries` the share of the key that is entries: 0 to 1."""

    rows: int
    size: int
    entries: float

    def is_worth_rebuilding(self, least: int) -> bool:
        """Whether a rebuilding gives back enough; what has fewer than `least` bytes is left alone."""
        return self.rows > 0 and self.size >= least and self.entries < FULL_ENOUGH


class AlreadyRebuilding(Exception):
    """Somebody else rebuilds the indexes of this chain."""


def measure_fullness(connection: Connection) -> Fullness:
    """By statistics, which it renews first; that takes a second or two for a table of any size."""
    connection.execute("ANALYZE logs")
    row = connection.execute(SIZES, {"indexes": list(INDEXES), "key": KEY}).fetchone()
    assert row is not None
    rows, size, key_size = row
    return Fullness(int(rows), size, rows * ENTRY / max(key_size, 1))


def rebuild_indexes(connection: Connection, tell: Callable[[str], object]) -> None:
    """Build them anew while the chain is read and written; `tell` is called with the name of each before.

    It needs as much disk as the bigger of them for as long, and waits for statements that run already. Raises
    AlreadyRebuilding.
    """
    if connection.execute(LOCK).fetchone() != (True,):
        raise AlreadyRebuilding("somebody else is rebuilding the indexes of this chain")
    for (name,) in connection.execute(LEFT_BEHIND, ["|".join(INDEXES)]).fetchall():
        connection.execute(f"DROP INDEX CONCURRENTLY {name}")
    for index in INDEXES:
        tell(index)
        connection.execute(f"REINDEX INDEX CONCURRENTLY {index}")
