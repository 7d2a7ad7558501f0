"""Rows that were not taken, kept with the reason; and numbers that have jumped, which wait until they are confirmed."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from indexer.market.reading import Rejected

STORE = """
INSERT INTO rejected_rows AS held (task, key, reason, words, row, first_at, last_at, times)
SELECT %(task)s, key, reason, words, row, now(), now(), 1
FROM unnest(%(keys)s::text[], %(reasons)s::text[], %(words)s::text[], %(rows)s::text[]) AS new (key, reason, words, row)
ON CONFLICT (task, key, reason) DO UPDATE
SET words = EXCLUDED.words, row = EXCLUDED.row, last_at = now(), times = held.times + %(times)s,
    first_at = CASE WHEN held.last_at < %(since)s THEN now() ELSE held.first_at END
"""
# What was seen in the last answer, too, goes on since its first_at. Without one the source may have changed all day.
SPIKES = """
SELECT incoming.id::text, held.tvl, incoming.tvl, held.apy, incoming.apy
FROM incoming JOIN pools AS held USING (id)
LEFT JOIN rejected_rows AS seen
       ON task = %(task)s AND reason = 'spike' AND key = incoming.id::text AND last_at >= %(since)s
WHERE (held.vanished_at IS NULL OR held.vanished_at > now() - make_interval(hours => %(hours)s))
  AND ((held.tvl > 0 AND incoming.tvl > %(times)s * held.tvl) OR (held.apy > 0 AND incoming.apy > %(times)s * held.apy))
  AND coalesce(seen.first_at, %(since)s) > now() - make_interval(hours => %(hours)s)
ORDER BY 1
"""
TAKE_OUT = "DELETE FROM incoming WHERE id::text = ANY(%s)"
SPIKE_TIMES = 5
SPIKE_HOURS = 5


def keep_rejected(task: str, rejected: Sequence[Rejected], since: datetime | None, *, again: bool = False) -> None:
    """Store them; `since`: when the answer before this one was taken. What that did not have begins anew.

    `again`: they have been counted, and are there still.
    """
    # Of several with one key and reason the last is kept.
    rows = sorted({(each.key, each.reason): each for each in rejected}.values())
    if not rows:
        return
    keys, reasons, words, texts = (list(column) for column in zip(*rows, strict=True))
    columns = {"keys": keys, "reasons": reasons, "words": words, "rows": texts}
    with connection.cursor() as cursor:
        cursor.execute(STORE, {"task": task, **columns, "since": since, "times": 0 if again else 1})


def take_out_spikes(task: str, since: datetime | None) -> dict[str, str]:
    """Take out of the staged pools those whose TVL or APY is over five times what was taken within five hours.

    Their ids, with what is wrong in words. One that is still so five hours after it was first seen is left in.
    """
    with connection.cursor() as cursor:
        cursor.execute(SPIKES, {"task": task, "since": since, "times": SPIKE_TIMES, "hours": SPIKE_HOURS})
        found = {
            key: f"over {SPIKE_TIMES} times its last value: TVL {tvl} to {new_tvl}, APY {apy} to {new_apy}"
            for key, tvl, new_tvl, apy, new_apy in cursor.fetchall()
        }
        cursor.execute(TAKE_OUT, [list(found)])
    return found
