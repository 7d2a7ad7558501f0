"""What Prometheus is shown of the market. Every web server shows the same rows: take the maximum, not the sum."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from django.db.backends.utils import CursorWrapper
from prometheus_client.core import GaugeMetricFamily, Metric

from indexer.market.score import AGREED

# One row for each series: its family, its labels' values, and the number. With 50,000 pools it takes some 40 ms.
SERIES = """
SELECT 'pools', ARRAY[]::text[], count(*)::float FROM pools WHERE vanished_at IS NULL
UNION ALL SELECT 'pools_vanished', '{}', count(*) FROM pools WHERE vanished_at IS NOT NULL
UNION ALL SELECT 'pools_mapped', '{}', count(DISTINCT pool_id)
  FROM contract_mappings JOIN pools ON pools.id = pool_id AND vanished_at IS NULL
 WHERE kind = 'pool' AND NOT refuted AND confidence >= %(mapped)s
UNION ALL SELECT 'protocols', '{}', count(*) FROM protocols WHERE vanished_at IS NULL
UNION ALL SELECT 'document_age_seconds', ARRAY[name], extract(epoch FROM now() - taken_at) FROM market_documents
UNION ALL (SELECT 'rejected_rows', ARRAY[task, reason], count(*) FROM rejected_rows
            WHERE last_at > now() - interval '1 day' GROUP BY task, reason)
UNION ALL (SELECT 'proposals', ARRAY[state], count(*) FROM watch_proposals GROUP BY state)
"""


class Family(NamedTuple):
    """A family of gauges by its name below footprint_market_."""

    name: str
    meaning: str
    labels: Sequence[str] = ()


FAMILIES = (
    Family("pools", "Pools that the source lists."),
    Family("pools_vanished", "Pools that the source lists no more."),
    Family("pools_mapped", f"Listed pools with a contract of a confidence of {AGREED} and more."),
    Family("protocols", "Protocols that the source lists."),
    Family(
        "document_age_seconds",
        "Since an answer of a source was last taken in, or known to be unchanged.",
        ("document",),
    ),
    Family("rejected_rows", "Rows that were not taken within the last day.", ("task", "reason")),
    Family("proposals", "Jobs that mappings have proposed.", ("state",)),
)


class Series(NamedTuple):
    """A number of a family, with the values of its labels."""

    family: str
    labels: Sequence[str]
    value: float


def read_series(cursor: CursorWrapper) -> list[Series]:
    cursor.execute(SERIES, {"mapped": AGREED})
    return [Series(*row) for row in cursor.fetchall()]


def show_market(series: Iterable[Series]) -> Iterator[Metric]:
    found = list(series)
    for family in FAMILIES:
        gauge = GaugeMetricFamily(f"footprint_market_{family.name}", family.meaning, labels=family.labels)
        for each in found:
            if each.family == family.name:
                gauge.add_metric(each.labels, each.value)
        yield gauge
