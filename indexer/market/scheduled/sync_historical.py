from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from django.db import transaction
from msgspec import Meta

from indexer.market import shapes
from indexer.market.charts import choose_days, name_pool, reject_days_to_come
from indexer.market.live import CHARTS, KEEP_DAYS, first_kept, read_number
from indexer.market.reading import read
from indexer.market.rejecting import keep_rejected
from indexer.market.snapshots import biggest_pools, counts_of_all, store_chart
from indexer.market.source import NotThere, Unpaid, open_defillama
from indexer.market.taking import taken_before
from indexer.market.wholeness import remedy
from indexer.tasks.declaring import Counts, Refused, Run, TaskError, task

Limit = Annotated[int, Meta(ge=0, le=CHARTS.most)]


def list_pools(first: date | None, last: date | None, *, limit: int = 0) -> Iterator[str]:
    """The pools with the most TVL; a limit of 0 is that of the live setting market.charts."""
    yield from biggest_pools(limit or read_number(CHARTS))


def clip_days(first: date | None, last: date | None) -> tuple[date | None, date | None]:
    """From the first day that is kept. Raises TaskError where all of them are before it."""
    kept = first_kept()
    if last is not None and last < kept:
        raise TaskError(f"no day before {kept} is kept, and {last} is the last: see the live setting {KEEP_DAYS.name}")
    return kept if first is None else max(first, kept), last


@task(
    cron="0 6 * * 0",
    time_limit=300,
    budgets=("defillama",),
    fresh_for=timedelta(days=8),
    partitions=list_pools,
    clip=clip_days,
)
def sync_historical(
    run: Run, key: str, *, limit: Limit = 0, accept: bool = False, first: date | None = None, last: date | None = None
) -> Counts:
    """The history of the biggest pools, a day at a time, as far back as days are kept."""
    with open_defillama() as source:
        # Whole: it has another day every day, and other days may be wanted than the last time.
        try:
            answer = source.fetch(run, f"/chart/{key}", again=True)
        except (NotThere, Unpaid) as error:
            raise Refused(str(error)) from error
    unsaid = shapes.CHART.known if accept else ()
    days = read(answer.body, shapes.CHART, unsaid=unsaid, remedy=remedy("sync-historical"))
    reading = reject_days_to_come(days, datetime.now(UTC).date())
    kept = first_kept()
    rows = choose_days(reading.rows, kept if first is None else max(first, kept), last)
    rejected = name_pool(reading.rejected, key)
    with transaction.atomic():
        upserted = store_chart(run, key, rows, accept=accept)
        counts = counts_of_all(run, Counts(*upserted, 0, len(rejected)))
        # An attempt that was stopped before its end may have kept them.
        if taken_before(run, answer) is None:
            keep_rejected("sync-historical", rejected, None)
        run.save({"counts": counts, "digest": answer.digest.hex()})
    return counts
