"""Whether a partition that was complete once is to be done again. Pure."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple


class Days(NamedTuple):
    """From the first to the last; None: as far as there is anything."""

    first: date | None = None
    last: date | None = None


def is_covered(
    wanted: Days, have: Days, finished_at: datetime, since: datetime, fresh_for: timedelta | None, now: datetime
) -> bool:
    """Whether what was complete at `finished_at` for the days it `has` still does, for all the wanted ones.

    Without a last day what is wanted reaches to the moment it was asked for, `since`: what was complete before that
    lacks what has come meanwhile. Days that have an end stay as they were stored.
    """
    if have.first is not None and (wanted.first is None or wanted.first < have.first):
        return False
    if wanted.last is None:
        return have.last is None and finished_at >= since and (fresh_for is None or now < finished_at + fresh_for)
    # Of a day that is still to come there was nothing to be had; nor is there now.
    last = min(wanted.last, now.astimezone(UTC).date())
    return last <= (have.last or finished_at.astimezone(UTC).date())
