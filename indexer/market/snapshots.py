"""Daily snapshots: what pools and protocols are worth today, and what the source's own history says of days before.

Of one pool's day, what we took ourselves goes before the history: it has the volume, too, and is of the moment at which
all other pools were taken. So a day from a chart is written over by a snapshot, and never the other way round.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from indexer.market.months import make_months
from indexer.market.shapes import ChartRow
from indexer.market.source import document_name
from indexer.market.upsert import Target, Upserted, selected, staged, upsert
from indexer.market.wholeness import stop_at_lost_values
from indexer.tasks.declaring import Counts, Run

POOL_NUMBERS = ("tvl", "apy", "apy_base", "apy_reward", "il_7d")
POOL_DAYS = Target("pool_daily_snapshots", ("pool_id", "day"), (*POOL_NUMBERS, "volume_1d", "source"))
CHART_DAYS = Target(
    "pool_daily_snapshots", ("pool_id", "day"), (*POOL_NUMBERS, "source"), only_if="held.source = 'chart'"
)
PROTOCOL_DAYS = Target("protocol_daily_snapshots", ("protocol_id", "day"), ("tvl", "mcap", "pools", "pools_tvl"))
# What is held of a row that the last answer had in a form that was not taken is of another day.
IS_TAKEN = """NOT EXISTS (
    SELECT FROM rejected_rows JOIN market_documents AS document ON last_at >= read_at AND document.name = %(source)s
     WHERE task = %(task)s AND reason IN ('shape', 'bounds') AND key = {table}.id::text)"""
POOLS = f"""
SELECT id AS pool_id, %(day)s::date AS day, tvl, apy, apy_base, apy_reward, il_7d, volume_1d,
       'pools'::varchar(10) AS source
FROM pools WHERE vanished_at IS NULL AND {IS_TAKEN.format(table="pools")}
"""
PROTOCOLS = f"""
SELECT protocols.id AS protocol_id, %(day)s::date AS day, tvl, mcap,
       CASE WHEN %(pools)s THEN coalesce(counted.pools, 0)::integer END AS pools,
       CASE WHEN %(pools)s THEN pools_tvl END AS pools_tvl
FROM protocols LEFT JOIN (
    SELECT protocol_id, count(*) AS pools, sum(tvl ORDER BY id) AS pools_tvl
    FROM pools WHERE vanished_at IS NULL GROUP BY protocol_id
) AS counted ON protocol_id = protocols.id
WHERE vanished_at IS NULL AND {IS_TAKEN.format(table="protocols")}
"""
# The day is claimed first: of two runs of one day the second sees what the first has stored.
ADD_DAY = """
INSERT INTO snapshot_days (day, complete, pools, protocols, taken_at) VALUES (%s, false, 0, 0, now())
ON CONFLICT (day) DO NOTHING
"""
CLAIM = "SELECT complete FROM snapshot_days WHERE day = %s FOR UPDATE"
# taken_at is when it last became another day than it was.
COUNT = """
UPDATE snapshot_days AS held
SET (complete, pools, protocols, taken_at) = ROW (now_is.complete, now_is.pools, now_is.protocols, now())
FROM (SELECT %(complete)s AS complete,
             (SELECT count(*) FROM pool_daily_snapshots AS each WHERE each.day = %(day)s) AS pools,
             (SELECT count(*) FROM protocol_daily_snapshots AS each WHERE each.day = %(day)s) AS protocols) AS now_is
WHERE held.day = %(day)s AND (%(written)s OR
      (held.complete, held.pools, held.protocols) IS DISTINCT FROM (now_is.complete, now_is.pools, now_is.protocols))
"""
TODAY = """
SELECT (now() AT TIME ZONE 'UTC')::date,
       (SELECT taken_at FROM market_documents WHERE name = %(pools)s),
       (SELECT taken_at FROM market_documents WHERE name = %(protocols)s)
"""
BIGGEST = """
SELECT id::text FROM pools WHERE vanished_at IS NULL AND tvl IS NOT NULL ORDER BY tvl DESC NULLS LAST, id LIMIT %s
"""


class NothingToday(Exception):
    """Neither pools nor protocols were taken in today: there is nothing that a snapshot could be of."""


class Sources(NamedTuple):
    """The day in UTC, and when pools and protocols were last taken in."""

    day: date
    pools: datetime | None
    protocols: datetime | None

    @property
    def pools_are_todays(self) -> bool:
        return self.pools is not None and self.pools.date() == self.day

    @property
    def protocols_are_todays(self) -> bool:
        return self.protocols is not None and self.protocols.date() == self.day

    @classmethod
    def read(cls) -> "Sources":
        with connection.cursor() as cursor:
            cursor.execute(TODAY, {name: document_name(f"/{name}") for name in ("pools", "protocols")})
            return cls(*cursor.fetchone())


def snapshot_today(run: Run) -> Counts:
    """Store today of what was taken in today, all of it in one transaction. Complete with pools and protocols.

    A partial day never takes the place of a complete one, but a complete one that of a partial. Raises NothingToday.
    """
    with transaction.atomic():
        sources = Sources.read()
        if not (sources.pools_are_todays or sources.protocols_are_todays):
            raise NothingToday(
                f"nothing was taken in on {sources.day}: pools were at {sources.pools or 'no time'} and protocols at "
                f"{sources.protocols or 'no time'}; run sync-pools and sync-protocols first"
            )
        return write_day(run, sources)


def write_day(run: Run, sources: Sources) -> Counts:
    day, is_complete = sources.day, sources.pools_are_todays and sources.protocols_are_todays
    if claim_day(day) and not is_complete:
        run.log.warning("%s is complete already: a partial snapshot does not take its place", day)
        return Counts()
    if not is_complete:
        run.log.warning(
            "%s is partial: %s were not taken in", day, "protocols" if sources.pools_are_todays else "pools"
        )
    counts = Counts()
    if sources.pools_are_todays:
        make_months(POOL_DAYS.table, [day])
        with selected(POOL_DAYS, POOLS, {"day": day, **source_of("pools")}):
            counts += Counts(*upsert(POOL_DAYS))
        run.progress(1, 2)
    if sources.protocols_are_todays:
        make_months(PROTOCOL_DAYS.table, [day])
        params = {"day": day, "pools": sources.pools_are_todays, **source_of("protocols")}
        with selected(PROTOCOL_DAYS, PROTOCOLS, params):
            counts += Counts(*upsert(PROTOCOL_DAYS))
    with connection.cursor() as cursor:
        written = counts.created + counts.changed > 0
        cursor.execute(COUNT, {"day": day, "complete": is_complete, "written": written})
    run.progress(2, 2)
    counts = counts_of_all(run, counts)
    run.save({"day": day.isoformat(), "counts": counts})
    return counts


def source_of(table: str) -> dict[str, str]:
    """Which answer the rows are from, and which task takes it."""
    return {"source": document_name(f"/{table}"), "task": f"sync-{table}"}


def counts_of_all(run: Run, counts: Counts) -> Counts:
    """What this attempt has counted; or an earlier one of the run, after whose transaction nothing was left to do."""
    if run.cursor and not counts.created and not counts.changed:
        return Counts(*run.cursor["counts"])
    return counts


def claim_day(day: date) -> bool:
    """Whether the day is complete already. It is the caller's until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(ADD_DAY, [day])
        cursor.execute(CLAIM, [day])
        (is_complete,) = cursor.fetchone()
        return bool(is_complete)


def store_chart(run: Run, pool: str, rows: Sequence[ChartRow], *, accept: bool = False) -> Upserted:
    """Days of a pool's history, in the caller's transaction; days of our own snapshots stay.

    Raises Drift where values are gone that were there, unless they are accepted.
    """
    pool_id = UUID(pool)

    def values(row: ChartRow) -> tuple[Any, ...]:
        return (pool_id, row.day, row.tvl, row.apy, row.apy_base, row.apy_reward, row.il_7d, "chart")

    make_months(CHART_DAYS.table, (row.day for row in rows))
    with staged(CHART_DAYS, run, rows, values):
        if not accept:
            stop_at_lost_values(CHART_DAYS, ChartRow, "sync-historical")
        return upsert(CHART_DAYS)


def biggest_pools(limit: int) -> list[str]:
    """The ids of the pools with the most TVL, in that order."""
    with connection.cursor() as cursor:
        cursor.execute(BIGGEST, [limit])
        return [key for (key,) in cursor.fetchall()]
