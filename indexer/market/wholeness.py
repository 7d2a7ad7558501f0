"""Whether an answer is whole: much of what is stored must not be gone from it all at once, rows or values of a field.

A source that leaves a field out, or half of its rows, says so in no other way. It is asked for while the answer is
staged, before anything of it is written.
"""

from collections.abc import Collection
from typing import Any

import msgspec
from django.db import connection

from indexer.market.reading import LEAST_BAD, Drift
from indexer.market.upsert import Target

MOST_LOST_ROWS = 0.1
"""The share of the listed rows that may be gone."""
MOST_LOST_VALUES = 0.5
"""The share of the values of a field that may be gone, of rows that are still there."""

# An anti join, as in VANISH; asked for each row, it would take minutes.
LOST_ROWS = """
SELECT (SELECT count(*) FROM {table} WHERE vanished_at IS NULL), count(*)
FROM {table} AS held
WHERE vanished_at IS NULL AND NOT {key}::text = ANY(%s)
  AND NOT EXISTS (SELECT FROM incoming WHERE incoming.{key} = held.{key})
"""
# An empty list has as little to say as null.
VALUE = "nullif({row}.{name}::text, '{{{{}}}}')"
VALUES = "SELECT count(*), {counted} FROM {{table}} AS held WHERE vanished_at IS NULL"
LOST_VALUES = "SELECT {counted} FROM incoming JOIN {{table}} AS held USING ({{key}}) WHERE {{only_if}}true"


def find_unsaid(target: Target, row: type[msgspec.Struct]) -> set[str]:
    """Fields, as the answer writes them, of which the listed rows have no values to be gone; none without such rows."""
    fields = {field.name: field.encode_name for field in msgspec.structs.fields(row)}
    names = [name for name in target.rest if name in fields]
    counted = ", ".join(f"count({VALUE.format(row='held', name=name)})" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(target.write(VALUES.format(counted=counted)))
        listed, *values = cursor.fetchone() or (0,)
    return {fields[name] for name, held in zip(names, values, strict=True) if listed and held < LEAST_BAD}


def stop_at_lost_rows(target: Target, others: Collection[str], task: str) -> None:
    """Raises Drift where more than a tenth of the listed rows are neither staged nor of the keys `others`."""
    with connection.cursor() as cursor:
        cursor.execute(target.write(LOST_ROWS), [list(others)])
        listed, lost = cursor.fetchone() or (0, 0)
    if lost >= LEAST_BAD and lost > MOST_LOST_ROWS * listed:
        raise Drift("$", f"{lost:,} of the {listed:,} rows that were there are gone{remedy(task)}")


def stop_at_lost_values(target: Target, row: type[msgspec.Struct], task: str) -> None:
    """Raises Drift where more than half of the values of a field are gone. `row`: of which the answer's rows are."""
    fields = {field.name: field.encode_name for field in msgspec.structs.fields(row)}
    names = [name for name in target.rest if name in fields]
    with connection.cursor() as cursor:
        cursor.execute(target.write(LOST_VALUES.format(counted=", ".join(map(count_values, names)))))
        counts: tuple[Any, ...] = cursor.fetchone() or ()
    for name, held, lost in zip(names, counts[::2], counts[1::2], strict=True):
        if lost >= LEAST_BAD and lost > MOST_LOST_VALUES * held:
            raise Drift(f"$.{fields[name]}", f"{lost:,} of {held:,} values that were there are gone{remedy(task)}")


def count_values(name: str) -> str:
    """How many values of a column there are, and how many of them are gone."""
    held, incoming = VALUE.format(row="held", name=name), VALUE.format(row="incoming", name=name)
    return f"count({held}), count({held}) FILTER (WHERE {incoming} IS NULL)"


def remedy(task: str) -> str:
    return f"; if that is so, `manage.py tasks run {task} --param accept=true` takes the answer"
