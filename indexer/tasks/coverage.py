"""Whether a partition that was complete once is to be done again. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple


class Days(NamedTuple):
    """From the first to the last; None: as far as there is anything."""

    first: date | None = None
    last: date | None = None


def is_covered(
    wanted: Days, have: Days, finished_at: datetime, since: datetime, fresh_for: timedelta | None, now: datetime
) -> bool:
    """Whether what was complete at `finished_at` for the days it `has` still does, for all the wanted ones.

    What is wanted reaches to the end of its last day, but not beyond the moment it was asked for, `since`; what was
    had, not beyond the moment it was complete: of what came later there was nothing yet. Days that have an end stay as
    they were stored; without one they do for as long as they are fresh.
    """
    if have.first is not None and (wanted.first is None or wanted.first < have.first):
        return False
    if wanted.last is None and fresh_for is not None and now >= finished_at + fresh_for:
        return False
    return reach(have.last, finished_at) >= reach(wanted.last, since)


def reach(last: date | None, moment: datetime) -> datetime:
    """The end of the day, in UTC, or the moment if that comes before."""
    if last is None or last >= moment.astimezone(UTC).date():
        return moment
    return datetime.combine(last + timedelta(days=1), time(), UTC)
