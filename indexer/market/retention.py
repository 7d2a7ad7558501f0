"""What is too old is let go: months of snapshots by dropping their tables, rejected rows one by one."""

from datetime import date

from django.db import connection, transaction

from indexer.market.months import TABLES, drop_month, old_months
from indexer.tasks.declaring import Counts, Run

REJECTED_DAYS = 90
OLD_DAYS = "DELETE FROM snapshot_days WHERE day < %s"
OLD_REJECTED = "DELETE FROM rejected_rows WHERE last_at < now() - make_interval(days => %s)"


def clean(run: Run, keep: date) -> Counts:
    """Drop the months that end before `keep`, and the days of those; and rejected rows after 90 days. Those vanish."""
    months = [name for table in TABLES for name in old_months(table, keep)]
    vanished = run.cursor["vanished"] if run.cursor else 0
    for number, name in enumerate(months):
        run.progress(number, len(months))
        with transaction.atomic():
            rows = drop_month(name)
            vanished += rows
            run.save({"vanished": vanished})
        run.log.info("dropped %s with %s rows", name, f"{rows:,}")
    with transaction.atomic(), connection.cursor() as cursor:
        # As far as their months are gone.
        cursor.execute(OLD_DAYS, [keep.replace(day=1)])
        cursor.execute(OLD_REJECTED, [REJECTED_DAYS])
        vanished += cursor.rowcount
        run.save({"vanished": vanished})
    run.progress(len(months), len(months))
    return Counts(vanished=vanished)
