"""Pages that follow each other by key: ordered by a number, what has none last, and by id within. Pure.

A row whose number changes between two pages may be seen twice or not at all; ordered by id alone, none is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

Row = TypeVar("Row")

NUMBER = r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:e[+-]?[0-9]{1,3})?"
BETWEEN = "~"


class Order(NamedTuple):
    """By `column`, or by id alone where it is empty."""

    column: str = ""
    descending: bool = False


BY_ID = Order()


class Key(NamedTuple):
    """Where a page ends: the number that it is ordered by, None where the row has none, and the row's id."""

    number: float | None
    id: str


class Page(NamedTuple, Generic[Row]):
    """`last` is where the next page begins; None when this is the last one."""

    rows: list[Row]
    last: Key | None


class Part(NamedTuple):
    """A piece of a statement, and its parameters."""

    sql: str
    parameters: Mapping[str, Any] = {}


def cut(rows: Sequence[Row], limit: int, order: Order = BY_ID) -> Page[Row]:
    """The page of rows, one more of which was asked for than it has: it tells whether there is a next one.

    A row has its `id`, and the number that it is ordered by under its column's own name.
    """
    if len(rows) <= limit:
        return Page(list(rows), None)
    last: Any = rows[limit - 1]
    number = getattr(last, order.column.rpartition(".")[2]) if order.column else None
    return Page(list(rows[:limit]), Key(number, str(last.id)))


def orders_of(columns: Mapping[str, str]) -> dict[str, Order]:
    """Every order by one of the columns: its name upward, with - downward; and by id."""
    upward = {name: Order(column) for name, column in columns.items()}
    downward = {f"-{name}": Order(column, descending=True) for name, column in columns.items()}
    return {**downward, **upward, "id": BY_ID}


def cursor_pattern(id_pattern: str) -> str:
    """Of the cursors that write_cursor makes for such ids."""
    return f"(?:{NUMBER})?{BETWEEN}{id_pattern}"


def write_cursor(key: Key) -> str:
    """The number as Python writes it, which reads back as the same number."""
    return f"{'' if key.number is None else repr(key.number)}{BETWEEN}{key.id}"


def read_cursor(text: str) -> Key:
    """What write_cursor has written; its pattern is to be checked before."""
    number, _, row = text.partition(BETWEEN)
    return Key(float(number) if number else None, row)


def sort(order: Order, row_id: str) -> str:
    """What stands behind ORDER BY."""
    if not order.column:
        return row_id
    return f"{order.column} {'DESC' if order.descending else 'ASC'} NULLS LAST, {row_id}"


def behind(order: Order, row_id: str, after: Key | None) -> Part | None:
    """The condition for rows behind a key; None for all of them."""
    if after is None:
        return None
    if not order.column:
        return Part(f"{row_id} > %(after_id)s", {"after_id": after.id})
    if after.number is None:
        return Part(f"{order.column} IS NULL AND {row_id} > %(after_id)s", {"after_id": after.id})
    beyond = "<" if order.descending else ">"
    return Part(
        f"({order.column} {beyond} %(after)s OR {order.column} IS NULL"
        f" OR ({order.column} = %(after)s AND {row_id} > %(after_id)s))",
        {"after": after.number, "after_id": after.id},
    )


def join(parts: Sequence[Part | None]) -> Part:
    """All conditions together, from WHERE on."""
    given = [part for part in parts if part is not None]
    if not given:
        return Part("")
    parameters = {name: value for part in given for name, value in part.parameters.items()}
    return Part("WHERE " + " AND ".join(part.sql for part in given), parameters)


def pattern(text: str) -> str:
    """For LIKE: whatever has the text in it, as it stands."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
