"""Pauses after failures, what answers say of limits, whether a partition still covers what is wanted."""

from datetime import UTC, date, datetime, timedelta

import pytest

from indexer.tasks.coverage import Days, is_covered
from indexer.tasks.declaring import Retry
from indexer.tasks.hints import read_hold, read_pace, sent_at
from indexer.tasks.retrying import asked_pause, pause_after
from tests.tasks.samples.scheduled.stumble import Busy

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempt", "chance", "asked", "pause"),
    [
        (1, 0.0, None, 30.0),
        (2, 0.0, None, 120.0),
        (2, 1.0, None, 144.0),  # all of its jitter
        (3, 0.0, None, None),  # the last one
        (1, 0.0, 70.0, 70.0),  # the server's word
        (2, 0.0, 0.5, 120.0),  # which is no reason to come sooner
        (1, 0.0, 9_000.0, 9_000.0),  # even where it is longer than the longest
        (3, 0.0, 7.0, None),
    ],
)
def test_pauses(attempt: int, chance: float, asked: float | None, pause: float | None) -> None:
    assert pause_after(Retry(), attempt, chance, asked) == pause


@pytest.mark.parametrize(
    ("retry_after", "asked"), [(7, 7.0), (0, None), (-5, None), (float("nan"), None), (10**400, None), (None, None)]
)
def test_what_an_error_says_of_its_server(retry_after: float | None, asked: float | None) -> None:
    assert asked_pause(Busy("it is busy", retry_after)) == asked


def test_no_pause_is_longer_than_the_longest() -> None:
    assert pause_after(Retry(attempts=99, longest=600), 50, 1.0) == 600


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (200, {}, None),
        (200, {"X-RateLimit-Remaining": "10", "X-RateLimit-Reset": "30"}, None),
        (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}, 30),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 45)}, 45),
        (429, {"Retry-After": "17"}, 17),
        (429, {"retry-after": "Fri, 27 Nov 2026 12:01:00 GMT"}, 60),
        (429, {"Retry-After": "Fri, 27 Nov 2026 11:00:00 GMT"}, 60),  # a clock that goes wrong
        (429, {"Retry-After": "Fri, 27 Nov 2026 12:01:00 +" + "1" * 21}, 60),
        (429, {"Retry-After": "0"}, 60),
        (429, {"Retry-After": "0", "X-RateLimit-Reset": "5"}, 5),
        (503, {"Retry-After": "0"}, None),
        (429, {"Retry-After": "soon"}, 60),
        (429, {"X-RateLimit-Reset": "5"}, 5),
        (429, {}, 60),
        (402, {}, 3600),
        (503, {"Retry-After": "10"}, 10),
        (503, {}, None),
        (429, {"Retry-After": "99999999"}, 604_800),
        (429, {"Retry-After": "1e300"}, 604_800),
        (429, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 604_800),
        (429, {"Retry-After": "-5"}, 60),
        (429, {"Retry-After": "inf"}, 60),
        (429, {"Retry-After": "nan"}, 60),
        (429, {"Retry-After": "²"}, 60),  # a digit, and no number
        (429, {"X-RateLimit-Reset": "99999999999"}, 604_800),
        (200, {"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "30"}, 30),  # Reddit
        (200, {"x-ratelimit-remaining": "0.5", "x-ratelimit-reset": "30"}, 30),
        (200, {"x-ratelimit-remaining": "-1", "x-ratelimit-reset": "30"}, 30),
        (200, {"x-ratelimit-remaining": "nan", "x-ratelimit-reset": "30"}, None),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"}, None),
        (200, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m0s"}, 60),  # OpenAI
        (200, {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6ms"}, 0.006),
        (200, {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-requests": "1m0s"}, None),
        (429, {"x-ratelimit-reset-requests": "8ms", "x-ratelimit-reset-tokens": "1h2m3.5s"}, 3_723.5),
        (
            429,  # what is spent is what it is about
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "12s",
                "x-ratelimit-remaining-tokens": "9",
                "x-ratelimit-reset-tokens": "2m",
            },
            12,
        ),
        (429, {"X-RateLimit-Reset": "5s later"}, 60),
        (429, {"X-RateLimit-Reset": "9" * 400 + "s"}, 60),
    ],
)
def test_what_an_answer_says(status: int, headers: dict[str, str], seconds: float | None) -> None:
    hold = read_hold(status, headers, NOW)
    assert (None if hold is None else hold.seconds) == seconds


@pytest.mark.parametrize(
    ("headers", "pace"),
    [
        ({}, None),
        ({"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "60"}, 15),
        ({"RateLimit-Remaining": "59", "RateLimit-Reset": str(int(NOW.timestamp()) + 3600)}, 60),
        ({"X-RateLimit-Remaining": "3"}, None),
        ({"X-RateLimit-Reset": "60"}, None),
        ({"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "0"}, None),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "1m0s"}, 10),
        ({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "1m0s"}, None),  # which are no requests
    ],
)
def test_how_slowly_an_answer_lets_one_go_on(headers: dict[str, str], pace: float | None) -> None:
    assert read_pace(headers, NOW) == pace


@pytest.mark.parametrize(
    ("headers", "seconds_ago"),
    [
        ({"Date": "Fri, 27 Nov 2026 11:50:00 GMT"}, 600),  # our clock is ten minutes ahead of the server's
        ({"date": "Fri, 27 Nov 2026 12:00:00 -0000"}, 0),
        ({"Date": "soon"}, 0),
        ({"Date": f"Fri, 27 Nov 2026 12:00:00 +{'9' * 21}"}, 0),
        ({}, 0),
    ],
)
def test_moments_are_read_by_the_clock_of_who_has_said_them(headers: dict[str, str], seconds_ago: float) -> None:
    assert (NOW - sent_at(headers, NOW)).total_seconds() == seconds_ago


D = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("wanted", "have", "hours_ago", "covered"),  # the wish is of 12 hours ago
    [
        (Days(), Days(), 1, True),
        (Days(), Days(), 13, False),  # before it was asked for
        (Days(D, None), Days(), 13, False),
        (Days(D, D), Days(), 9_000 * 24, False),  # before those days
        (Days(D, D), Days(), 25, True),  # they stay as they are
        (Days(), Days(D, None), 1, False),  # there is more before
        (Days(D, None), Days(), 1, True),
        (Days(D, D), Days(D, D), 1, True),
        (Days(D, date(2026, 11, 2)), Days(D, D), 1, False),
        (Days(None, D), Days(D, D), 1, False),
        (Days(D, None), Days(D, D), 1, False),
        (Days(D, date(2026, 12, 24)), Days(D, None), 1, True),  # days that have not come yet are nobody's
        (Days(D, date(2026, 12, 24)), Days(D, None), 13, False),  # but those that had come when it was asked for
        (Days(D, None), Days(D, date(2026, 12, 24)), 1, True),
        (Days(D, date.max), Days(D, date.max), 1, True),
        (Days(None, date(2026, 11, 26)), Days(None, date(2026, 12, 24)), 9 * 24, False),  # they had not come yet then
        (Days(None, date(2026, 11, 26)), Days(None, date(2026, 12, 24)), 11, True),
        (Days(None, date(2026, 11, 25)), Days(), 36.1, False),  # its last day was not over
        (Days(None, date(2026, 11, 25)), Days(), 36, True),
    ],
)
def test_coverage(wanted: Days, have: Days, hours_ago: float, covered: bool) -> None:
    finished_at, since = NOW - timedelta(hours=hours_ago), NOW - timedelta(hours=12)
    assert is_covered(wanted, have, finished_at, since, timedelta(hours=24), NOW) is covered


def test_what_was_asked_for_long_ago_is_done_again_once_it_is_too_old() -> None:
    done, asked = NOW - timedelta(hours=25), NOW - timedelta(hours=48)
    assert not is_covered(Days(), Days(), done, asked, timedelta(hours=24), NOW)
    assert is_covered(Days(), Days(), done, asked, None, NOW)
