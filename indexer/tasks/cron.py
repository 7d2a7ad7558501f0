"""When a schedule is due. `when` is a cron line of five fields in UTC, or a number of seconds between times. Pure."""

import math
from datetime import UTC, datetime, timedelta
from itertools import islice

from cronsim import CronSim, CronSimError

from indexer.tasks.declaring import TaskError

FIELDS = "minute hour day month weekday"
SHORTEST = 1.0
LONGEST = 366 * 24 * 3600.0
"""Seconds from one time to the next."""
MOST_COUNTED = 1000
"""Times of a cron line that are counted; a year of minutes would take seconds."""
UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))

When = str | float


def check(cron: str, every: float | None) -> When:
    """What a declaration or a row says, as `when`. Raises TaskError for neither, both, and what cannot be."""
    if bool(cron.strip()) == (every is not None):
        raise TaskError(f"a schedule has either cron ({FIELDS}) or every (seconds)")
    if every is None:
        next_after(cron, datetime.now(UTC))
        return cron
    if not SHORTEST <= every <= LONGEST:  # neither is NaN
        raise TaskError(f"every={every:g} cannot be: it is {SHORTEST:g} to {LONGEST:,.0f} seconds")
    return every


def next_after(when: When, moment: datetime) -> datetime:
    """The first time after `moment`, which of a number of seconds is so much later. Raises TaskError."""
    if not isinstance(when, str):
        return moment + timedelta(seconds=when)
    return next(read(when, moment))


def next_five(when: When, moment: datetime) -> list[datetime]:
    """The first five times after `moment`; fewer where there are no more in the next fifty years."""
    if not isinstance(when, str):
        return [moment + timedelta(seconds=when * number) for number in range(1, 6)]
    return list(islice(read(when, moment), 5))


def next_beyond(when: When, planned: datetime, now: datetime) -> tuple[datetime, int]:
    """The first time after `now` of those that follow `planned`, and how many there are from `planned` to `now`.

    Of a cron line no more than MOST_COUNTED are counted, and one more where there are others.
    """
    if planned > now:
        return planned, 0
    if not isinstance(when, str):
        passed = math.floor((now - planned).total_seconds() / when) + 1
        return planned + timedelta(seconds=when * passed), passed
    for passed, moment in enumerate(islice(read(when, planned), MOST_COUNTED), start=1):
        if moment > now:
            return moment, passed
    return next_after(when, now), MOST_COUNTED + 1


def explain(when: When) -> str:
    """In words: "At 03:00 every day", "every 5 minutes"."""
    if isinstance(when, str):
        return read(when, datetime.now(UTC)).explain()
    for unit, seconds in UNITS:
        count = when / seconds
        if count >= 1 and count == int(count):
            return f"every {unit}" if count == 1 else f"every {count:,.0f} {unit}s"
    return f"every {when:g} seconds"


def read(cron: str, moment: datetime) -> CronSim:
    """The times after `moment`, one after the other. Raises TaskError; a day that never comes is refused, too."""
    if len(cron.split()) != len(FIELDS.split()):
        raise TaskError(f"cron {cron!r} has {len(cron.split())} fields: it needs five, {FIELDS}")
    try:
        times = CronSim(cron, moment.astimezone(UTC))
        next(CronSim(cron, moment.astimezone(UTC)))
    except CronSimError as error:
        raise TaskError(f"cron {cron!r} cannot be read: {str(error).lower()}; it is {FIELDS}") from None
    except StopIteration:
        raise TaskError(f"cron {cron!r} names a day that does not come") from None
    return times
