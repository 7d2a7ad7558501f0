"""Whole answers into tables, in two statements: COPY into a temporary table, and from there what is new or different.

A row that is there already as it comes is not written: its version stays. All of it is one transaction of the caller,
and two callers of one table come one after the other.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection

from indexer.tasks.declaring import Run

STEP = 500
"""Rows between two looks at whether the run is still to go on."""

# It has the columns' types and nothing else: what may be null is up to the table itself.
EMPTY = "SELECT {columns} FROM {table} WHERE false"
MAKE = "CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS "
# All parts see the table as it was before, so that what was known is counted without what is written beside it.
WRITE = """
WITH known AS (SELECT count(*) AS rows FROM incoming JOIN {table} AS held USING ({key})),
     written AS (
    INSERT INTO {table} AS held ({columns}{and_once}) SELECT {columns}{and_now} FROM incoming ORDER BY {key}
    ON CONFLICT ({key}) DO UPDATE SET ({rest}) = ROW ({excluded})
    WHERE {only_if}({held}) IS DISTINCT FROM ({excluded})
    RETURNING 1
)
SELECT (SELECT count(*) FROM incoming), known.rows, (SELECT count(*) FROM written) FROM known
"""
VANISH = """
UPDATE {table} AS held SET vanished_at = now()
WHERE vanished_at IS NULL AND NOT {key}::text = ANY(%s)
  AND NOT EXISTS (SELECT FROM incoming WHERE incoming.{key} = held.{key})
"""


class Upserted(NamedTuple):
    """Rows that were made, changed, and left as they are."""

    created: int
    changed: int
    unchanged: int


@dataclass(frozen=True)
class Target:
    """A table and what of it comes from a source: the columns of its key and the others, which are compared.

    `once` has the columns that get now() when the row is made, and stay. `only_if` is a condition on the row that is
    there, `held`: where it is false, that row stays.
    """

    table: str
    key: tuple[str, ...]
    rest: tuple[str, ...]
    once: tuple[str, ...] = ()
    only_if: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return self.key + self.rest

    def write(self, template: str) -> str:
        """The statement for this table; its names are ours, and never come from outside."""
        return template.format(
            table=self.table,
            key=", ".join(self.key),
            columns=", ".join(self.columns),
            rest=", ".join(self.rest),
            held=", ".join(f"held.{name}" for name in self.rest),
            excluded=", ".join(f"EXCLUDED.{name}" for name in self.rest),
            and_once="".join(f", {name}" for name in self.once),
            and_now=", now()" * len(self.once),
            only_if=f"{self.only_if} AND " if self.only_if else "",
        )


def lock(table: str) -> None:
    """Writers of one table come one after the other, until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"market {table}"])


@contextmanager
def selected(target: Target, query: str, parameters: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Have what a query returns, by the names of the target's columns, in the table `incoming` during the context.

    The caller has begun a transaction. No two rows have the same key.
    """
    with connection.cursor() as cursor:
        # Two writers of one table would each take what the other makes for their own.
        lock(target.table)
        cursor.execute(MAKE + query, parameters)
        yield
        cursor.execute("DROP TABLE incoming")


@contextmanager
def staged(target: Target, run: Run, rows: Sequence[Any], read: Callable[[Any], Sequence[Any]]) -> Iterator[None]:
    """As `selected`, with what `read` makes of each of the rows: values in the order of the target's columns."""
    with selected(target, target.write(EMPTY)), connection.cursor() as cursor:
        with cursor.copy(f"COPY incoming ({', '.join(target.columns)}) FROM STDIN") as copy:
            for number, row in enumerate(rows):
                if number % STEP == 0:
                    run.progress(number, len(rows))
                copy.write_row(read(row))
        run.progress(len(rows), len(rows))
        cursor.execute("ANALYZE incoming")
        yield


def upsert(target: Target) -> Upserted:
    """Write what is staged where it is new or different."""
    with connection.cursor() as cursor:
        cursor.execute(target.write(WRITE))
        rows, known, written = cursor.fetchone() or (0, 0, 0)
    return Upserted(rows - known, written - (rows - known), rows - written)


def vanish(target: Target, others: Collection[str]) -> int:
    """Mark what is neither staged nor of the keys `others`, which were in the answer, too; how many that are.

    The target has one column as its key, and vanished_at.
    """
    with connection.cursor() as cursor:
        cursor.execute(target.write(VANISH), [list(others)])
        return int(cursor.rowcount)


def analyze(target: Target) -> None:
    """Let PostgreSQL know of what was written, in the same transaction.

    Its own daemon, should it come by meanwhile, sees many pages without a row, and plans are for an empty table.
    """
    with connection.cursor() as cursor:
        cursor.execute(target.write("ANALYZE {table}"))
