"""Rows of the sources' answers that were not taken, and why."""

from datetime import datetime
from typing import Annotated

from django.db import connection
from msgspec import Meta, Struct

from indexer.market.answers.paging import Key, Page, Part, cut, join

REJECTED = "SELECT id, task, key, reason, words, row, first_at, last_at, times FROM rejected_rows"


class Rejected(Struct):
    """A row that was not taken; `row` is how it came, its first 10,000 characters."""

    id: int
    task: str
    key: Annotated[str, Meta(description="the row's id where it has one, or its place")]
    reason: Annotated[str, Meta(description="shape, spike, duplicate or bounds")]
    words: str
    row: str
    first_at: datetime
    last_at: datetime
    times: int


def list_rejected(task: str | None, reason: str | None, after: Key | None, limit: int) -> Page[Rejected]:
    """The first rejected rows behind `after`, the newest first."""
    where = join(
        [
            None if task is None else Part("task = %(task)s", {"task": task}),
            None if reason is None else Part("reason = %(reason)s", {"reason": reason}),
            None if after is None else Part("id < %(after)s", {"after": after.id}),
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"{REJECTED} {where.sql} ORDER BY id DESC LIMIT %(limit)s", {**where.parameters, "limit": limit + 1}
        )
        found = [Rejected(*row) for row in cursor.fetchall()]
    return cut(found, limit)
