from datetime import UTC, datetime, timedelta

import pytest

from indexer.tasks.cron import check, explain, next_after, next_beyond, next_five
from indexer.tasks.declaring import TaskError

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)  # a Friday


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("0 3 * * *", datetime(2026, 11, 28, 3, tzinfo=UTC)),
        ("0 6 * * SUN", datetime(2026, 11, 29, 6, tzinfo=UTC)),
        ("0 12 * * *", datetime(2026, 11, 28, 12, tzinfo=UTC)),  # now is not after now
        ("0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),  # the next leap year
        (90.0, NOON + timedelta(seconds=90)),
    ],
)
def test_the_next_time(when: str | float, expected: datetime) -> None:
    assert next_after(when, NOON) == expected


def test_five_times_in_a_row() -> None:
    assert [moment.day for moment in next_five("0 3 * * *", NOON)] == [28, 29, 30, 1, 2]
    assert next_five(60.0, NOON)[-1] == NOON + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("when", "ago", "ahead", "passed"),
    [
        (60.0, 0, 60, 1),  # exactly now
        (60.0, 59, 1, 1),
        (60.0, 61, 59, 2),  # one was missed, and the grid stays
        ("0 * * * *", 0, 3600, 1),
        ("0 * * * *", 7200, 3600, 3),
        (60.0, -5, 5, 0),  # not yet
        ("* * * * *", 999 * 60, 60, 1000),
        ("* * * * *", 366 * 86_400, 60, 1001),  # more are not counted
    ],
)
def test_times_that_passed_are_counted(when: str | float, ago: float, ahead: float, passed: int) -> None:
    found = next_beyond(when, NOON - timedelta(seconds=ago), NOON)
    assert found == (NOON + timedelta(seconds=ahead), passed)


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("0 3 * * *", "At 03:00 every day"),
        (300.0, "every 5 minutes"),
        (3600.0, "every hour"),
        (1.5, "every 1.5 seconds"),
    ],
)
def test_words(when: str | float, words: str) -> None:
    assert explain(when) == words


@pytest.mark.parametrize(
    ("cron", "every", "words"),
    [
        ("", None, "either cron"),
        ("0 3 * * *", 5.0, "either cron"),
        ("0 3 * *", None, "has 4 fields"),
        ("*/5 * * * * *", None, "has 6 fields"),
        ("61 3 * * *", None, "bad minute"),
        ("0 0 31 2 *", None, "bad day-of-month"),
        ("", 0.5, "every=0.5 cannot be"),
        ("", float("nan"), "cannot be"),
    ],
)
def test_what_cannot_be_is_refused(cron: str, every: float | None, words: str) -> None:
    with pytest.raises(TaskError, match=words):
        check(cron, every)
