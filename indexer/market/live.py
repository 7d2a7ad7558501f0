"""The live settings of the market: what can be changed while its tasks run."""

from datetime import date

from django.db import connection

from indexer.workers.live import LiveSetting, declare
from indexer.workers.live_values import read_values

KEEP_DAYS = declare(LiveSetting("market.keep_days", 730, "how long daily snapshots are kept", "days", 31, 36500))
CHARTS = declare(
    LiveSetting("market.charts", 2000, "pools whose history is read every week, those of the most TVL", "", 0, 100_000)
)


def read_number(setting: LiveSetting) -> int:
    """What a setting that is a whole number is at this moment."""
    return int(read_values().number(setting))


def first_kept() -> date:
    """The first day of which snapshots are kept, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (now() AT TIME ZONE 'UTC')::date - %s", [read_number(KEEP_DAYS)])
        (day,) = cursor.fetchone() or (date.min,)
    return day
