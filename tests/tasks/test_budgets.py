import time
from datetime import UTC, datetime
from typing import Any

import pytest

from indexer.chains.connections import Connection
from indexer.tasks.budgets import key_of, learn, reserve
from indexer.tasks.declaring import Wait


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
