"""Columns of rows as array literals, for statements that `unnest` them.

psycopg writes an array of bytes value by value, some ten times slower: for a block of 300 logs that takes longer than
PostgreSQL takes to store them. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence


def bytes_array(values: Sequence[bytes | None]) -> str:
    """The literal of a bytea[]."""
    return "{" + ",".join(["NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values]) + "}"


def number_array(values: Sequence[int | None]) -> str:
    """The literal of an int[], a bigint[] or a numeric[]."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
