"""The partitions of tables that have one for each month: made when a day of it comes, and dropped when they are old."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction

TABLES = ("pool_daily_snapshots", "protocol_daily_snapshots")

# Which days a partition has is read from its bounds: one that somebody has made by hand may be called anything.
ATTACHED = r"""
SELECT name, substring(bounds FROM 'FROM \(''(.+?)''\)')::date AS first,
       substring(bounds FROM 'TO \(''(.+?)''\)')::date AS behind
FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid,
     LATERAL (SELECT child.oid::regclass::text AS name, pg_get_expr(relpartbound, child.oid) AS bounds) AS told
WHERE inhparent = %s::regclass AND bounds <> 'DEFAULT'
ORDER BY behind, name
"""
# ATTACH lets readers and writers of the other months go on, CREATE TABLE ... PARTITION OF would hold them all up.
MAKE = "CREATE TABLE IF NOT EXISTS {month} (LIKE {table} INCLUDING ALL)"
ATTACH = "ALTER TABLE {table} ATTACH PARTITION {month} FOR VALUES FROM ('{first}') TO ('{next}')"


class Partition(NamedTuple):
    """A partition, with its first day and the first behind it; None where it has no such end."""

    name: str
    first: date | None
    behind: date | None

    def has(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.behind is None or day < self.behind)


def month_of(table: str, day: date) -> str:
    """The name of the partition that has this day, such as pool_daily_snapshots_2026_11."""
    return f"{table}_{day:%Y_%m}"


def month_after(day: date) -> date:
    """The first day of the month after the day's."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def make_months(table: str, days: Iterable[date]) -> None:
    """Have a partition for each of the days, in the caller's transaction."""
    wanted = {day.replace(day=1) for day in days}
    with connection.cursor() as cursor:
        if not missing_months(table, wanted):
            return
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"months of {table}"])
        # Somebody else may have made them while this one waited for the lock.
        for first in missing_months(table, wanted):
            names = {"table": table, "month": month_of(table, first), "first": first, "next": month_after(first)}
            # One that somebody has detached is there still, with its rows: it is attached again.
            cursor.execute(MAKE.format(**names))
            cursor.execute(ATTACH.format(**names))


def missing_months(table: str, firsts: Iterable[date]) -> list[date]:
    """Those first days of months that no partition has."""
    held = partitions(table)
    return sorted(first for first in firsts if not any(each.has(first) for each in held))


def old_months(table: str, keep: date) -> list[str]:
    """The partitions of which every day is before `keep`, the oldest first."""
    return [each.name for each in partitions(table) if each.behind is not None and each.behind <= keep]


def partitions(table: str) -> list[Partition]:
    """Those with bounds, the oldest first; of one for all the rest nobody can say which days it has."""
    with connection.cursor() as cursor:
        cursor.execute(ATTACHED, [table])
        return [Partition(*row) for row in cursor.fetchall()]


def drop_month(name: str) -> int:
    """Drop a partition; how many rows it had. Raises OperationalError after LOCK_TIMEOUT: somebody reads it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{settings.LOCK_TIMEOUT}s"])
        cursor.execute(f"SELECT count(*) FROM {name}")
        (rows,) = cursor.fetchone() or (0,)
        cursor.execute(f"DROP TABLE {name}")
    return int(rows)
