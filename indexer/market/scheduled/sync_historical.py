from collections.abc import Iterator
from datetime import date, timedelta

from django.db import transaction

from indexer.market import shapes
from indexer.market.live import CHARTS, first_kept, read_number
from indexer.market.reading import read
from indexer.market.rejecting import keep_rejected
from indexer.market.snapshots import biggest_pools, choose_days, counts_of_all, store_chart
from indexer.market.source import open_defillama
from indexer.tasks.declaring import Counts, Run, task


def list_pools(first: date | None, last: date | None, *, limit: int = 0) -> Iterator[str]:
    """The pools with the most TVL; a limit of 0 is that of the live setting market.charts."""
    yield from biggest_pools(limit or read_number(CHARTS))


@task(
    cron="0 6 * * 0",
    time_limit=300,
    budgets=("defillama",),
    fresh_for=timedelta(days=8),
    partitions=list_pools,
)
def sync_historical(
    run: Run, key: str, *, limit: int = 0, first: date | None = None, last: date | None = None
) -> Counts:
    """The history of the biggest pools, a day at a time, as far back as days are kept."""
    with open_defillama() as source:
        # Whole: it has another day every day, and other days may be wanted than the last time.
        answer = source.fetch(run, f"/chart/{key}", again=True)
    reading = read(answer.body, shapes.CHART)
    kept = first_kept()
    rows = choose_days(reading.rows, kept if first is None else max(first, kept), last)
    rejected = [each._replace(key=f"{key} {each.key}") for each in reading.rejected]
    with transaction.atomic():
        upserted = store_chart(run, key, rows)
        counts = counts_of_all(run, Counts(*upserted, 0, len(rejected)))
        digest = answer.digest.hex()
        # An earlier attempt of this very run may have kept those of this answer, and been stopped before its end.
        if run.cursor is None or run.cursor.get("digest") != digest:
            keep_rejected("sync-historical", rejected, None)
        run.save({"counts": counts, "digest": digest})
    return counts
