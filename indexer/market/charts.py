"""The days of a pool's history: which of them are taken. Pure."""

from collections.abc import Collection, Iterable
from datetime import date, timedelta

from indexer.market.reading import LONGEST_KEY, Reading, Rejected, Trouble, text_of
from indexer.market.shapes import ChartRow


def reject_days_to_come(reading: Reading[ChartRow], today: date) -> Reading[ChartRow]:
    """Days after tomorrow are rejected: there the source's clock may be wrong, tomorrow ours.

    No retention would come to them. Raises Drift where they are many.
    """
    last = today + timedelta(days=1)
    rows, raws, rejected, trouble = [], [], list(reading.rejected), Trouble()
    for row, raw in zip(reading.rows, reading.raws, strict=True):
        if row.day <= last:
            rows.append(row)
            raws.append(raw)
            continue
        words = f"{row.day} is still to come - at `$.timestamp`"
        trouble.add("$.timestamp", words)
        rejected.append(Rejected(row.key, "bounds", words, text_of(raw)))
    trouble.stop_at_drift(len(reading.rows) + len(reading.rejected))
    return Reading(rows, rejected, raws)


def choose_days(rows: Collection[ChartRow], first: date, last: date | None) -> list[ChartRow]:
    """Those of the days from the first to the last."""
    return [row for row in rows if first <= row.day and (last is None or row.day <= last)]


def name_pool(rejected: Iterable[Rejected], pool: str) -> list[Rejected]:
    """Rejected days by keys that say the pool, too."""
    return [each._replace(key=f"{pool} {each.key}"[:LONGEST_KEY]) for each in rejected]
