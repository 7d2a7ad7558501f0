import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from threading import Event, Lock, Timer
from typing import Any

import pytest

from indexer.chains.connections import Connection, open_beside
from indexer.tasks.budgets import SLOWEST, key_of, learn, reserve
from indexer.tasks.claims import Claim
from indexer.tasks.declaring import TaskError, Wait
from indexer.tasks.handle import Handle
from indexer.tasks.registry import find

CLAIM = Claim(0, 0, "ask", {}, None, 1, 0, 0, None, 0)


class Limited:
    """An API that answers so many requests in each window of so many seconds, and says how many are left of it."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most, self.seconds = most, seconds
        self.asked = self.refused = self.used = 0
        self.ends = 0.0
        self.lock = Lock()

    def answer(self) -> dict[str, str]:
        with self.lock:
            now = time.monotonic()
            if now >= self.ends:
                self.used, self.ends = 0, now + self.seconds
            self.asked += 1
            self.used += 1
            self.refused += self.used > self.most
            left = max(0, self.most - self.used)
            return {"X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": f"{self.ends - now:.3f}"}


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    settings.API_RATE_LIMIT_MS = 100
    settings.API_BUDGETS = {"thrifty": 2}


def test_turns_are_one_after_the_other(line: Connection) -> None:
    began = time.monotonic()
    waits = [reserve(line, "sample").seconds for _ in range(5)]
    took = time.monotonic() - began
    assert waits[0] == 0
    assert waits[-1] == pytest.approx(0.4 - took, abs=0.05)


def test_what_comes_too_late_is_not_waited_for(line: Connection) -> None:
    reserve(line, "sample")
    line.execute("UPDATE api_limits SET next_at = now() + interval '5 min'")
    with pytest.raises(Wait, match="others are before") as caught:
        reserve(line, "sample")
    assert 290 < (caught.value.until - datetime.now(UTC)).total_seconds() < 301
    assert line.execute("SELECT used FROM api_limits").fetchone() == (1,)


def test_a_spent_budget_waits_for_the_next_day_which_brings_another(line: Connection) -> None:
    reserve(line, "thrifty")
    reserve(line, "thrifty")
    with pytest.raises(Wait, match="its budget of 2 requests a day is spent") as caught:
        reserve(line, "thrifty")
    assert caught.value.until.strftime("%H:%M:%S") == "00:00:00"
    line.execute("UPDATE api_limits SET day = day - 1")
    assert reserve(line, "thrifty").granted
    assert line.execute("SELECT used FROM api_limits").fetchone() == (1,)


def test_its_own_word_holds_for_everybody(line: Connection) -> None:
    reserve(line, "sample")
    learn(line, "sample", 200, {})
    learn(line, "sample", 429, {"Retry-After": "5"})
    turn = reserve(line, "sample")
    assert not turn.granted
    assert 4 < turn.seconds <= 5
    learn(line, "sample", 402, {})
    learn(line, "sample", 429, {"Retry-After": "1"})  # the longer one stays
    with pytest.raises(Wait, match=r"sample: its plan is spent.*look at its key"):
        reserve(line, "sample")


def test_a_budget_of_nothing_is_spent_before_the_first_request(line: Connection, settings: Any) -> None:
    settings.API_BUDGETS = {"thrifty": 0}
    for _ in range(2):
        with pytest.raises(Wait, match="its budget of 0 requests a day is spent"):
            reserve(line, "thrifty")


def test_what_one_process_hears_is_left_slows_all_down_and_none_up(line: Connection) -> None:
    with closing(open_beside(application_name="footprint test")) as other:
        reserve(line, "sample")
        learn(line, "sample", 200, {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "8"})
        assert reserve(other, "sample").seconds == pytest.approx(2, abs=0.1)
        # An answer that comes late, of more than is left by now, and one that is less strict than our own rate.
        learn(other, "sample", 200, {"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "8"})
        learn(other, "sample", 200, {"X-RateLimit-Remaining": "5000", "X-RateLimit-Reset": "8"})
        assert reserve(line, "sample").seconds == pytest.approx(2.1, abs=0.1)
        learn(line, "sample", 200, {"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "8"})
        assert reserve(other, "sample").seconds == pytest.approx(4, abs=0.1)


def test_few_requests_of_a_long_time_are_waited_for_with_patience(line: Connection) -> None:
    reserve(line, "sample")
    learn(line, "sample", 200, {"X-RateLimit-Remaining": "9", "X-RateLimit-Reset": "3600"})
    assert reserve(line, "sample").seconds == pytest.approx(SLOWEST, abs=0.1)


def test_connections_together_ask_no_more_than_an_api_says_is_left(line: Connection, settings: Any) -> None:
    settings.API_RATE_LIMIT_MS = 50
    api = Limited(most=6, seconds=1.0)
    until = time.monotonic() + 2.5

    def ask() -> None:
        with closing(Handle(CLAIM, find("ask"), Event())) as handle:
            while time.monotonic() < until:
                handle.reserve("sample")
                handle.learn("sample", 200, api.answer())

    with ThreadPoolExecutor(3) as pool:
        for asking in [pool.submit(ask) for _ in range(3)]:
            asking.result()
    assert api.refused == 0
    assert api.asked >= 12


def test_a_turn_that_was_granted_before_is_not_taken_while_the_api_is_to_be_left_alone(line: Connection) -> None:
    with closing(Handle(CLAIM, find("ask"), Event())) as handle:
        reserve(line, "sample")
        line.execute("UPDATE api_limits SET next_at = now() + interval '300 ms'")
        began = time.monotonic()
        Timer(0.1, learn, [line, "sample", 429, {"Retry-After": "1"}]).start()
        handle.reserve("sample")
        assert time.monotonic() - began > 1.1
    assert line.execute("SELECT used FROM api_limits").fetchone() == (2,)


def test_an_api_that_the_task_does_not_declare_is_not_asked(line: Connection) -> None:
    handle = Handle(CLAIM, find("ask"), Event())
    with pytest.raises(TaskError, match=r"ask asks grass, .* declare: budgets=\('sample', 'grass'\)"):
        handle.reserve("grass")
    assert line.execute("SELECT count(*) FROM api_limits").fetchone() == (0,)


def test_a_moment_in_an_answer_is_read_by_the_clock_that_the_answer_tells(line: Connection) -> None:
    reserve(line, "sample")
    learn(
        line,
        "sample",
        429,
        {"Date": "Fri, 27 Nov 2020 12:00:00 GMT", "Retry-After": "Fri, 27 Nov 2020 12:00:05 GMT"},
    )
    assert 4 < reserve(line, "sample").seconds <= 5


def test_each_key_has_limits_of_its_own() -> None:
    environ = {"DEFILLAMA_API_KEY": "secret", "SAMPLE_API_KEY": "another"}
    paid = key_of("defillama-pro", environ)
    assert paid.startswith("defillama-pro:")
    assert "secret" not in paid
    assert paid != key_of("defillama-pro", {"DEFILLAMA_API_KEY": "a new one"})
    assert key_of("defillama-pro", {}) == "defillama-pro"
    assert key_of("defillama", environ) == "defillama"  # which is asked without it
    assert key_of("sample", environ).startswith("sample:")


def test_a_clock_that_was_ahead_lets_nobody_wait_for_it(line: Connection) -> None:
    line.execute("INSERT INTO api_limits (api, next_at, used) VALUES ('sample', now() + interval '1 year', 5)")
    assert reserve(line, "sample").granted
    assert reserve(line, "sample").seconds < 5
