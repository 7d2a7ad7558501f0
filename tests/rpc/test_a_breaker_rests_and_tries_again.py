"""A circuit breaker: open after failures in a row, one try after its rest, closed again by an answer."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.rpc.breaker import FAILURES, FIRST_REST, LONGEST_REST, PROBE_PATIENCE, Breaker


@pytest.fixture
def breaker() -> Breaker:
    return Breaker(Random(1))


def fail(breaker: Breaker, now: float) -> None:
    for _ in range(FAILURES):
        assert breaker.begin(now)
        breaker.failed(now)


def test_it_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    for _ in range(10):
        for _ in range(FAILURES - 1):
            breaker.failed(0)
        breaker.succeeded()
    assert breaker.closed
    fail(breaker, 0)
    assert not breaker.closed
    assert not breaker.begin(0)


def test_after_its_rest_one_request_tries(breaker: Breaker) -> None:
    fail(breaker, 0)
    rest = breaker.free_at(0)
    assert FIRST_REST / 2 <= rest <= FIRST_REST
    assert [breaker.begin(rest), breaker.begin(rest), breaker.begin(rest + 1)] == [True, False, False]
    breaker.succeeded()
    assert [breaker.begin(rest), breaker.begin(rest)] == [True, True]


def test_rests_double_as_long_as_the_tries_fail(breaker: Breaker) -> None:
    fail(breaker, 0)
    now, rests = 0.0, []
    for _ in range(8):
        rests.append(breaker.free_at(now) - now)
        now = breaker.free_at(now)
        assert breaker.begin(now)
        breaker.failed(now)
    assert rests[1] > rests[0]
    assert rests[2] > 1.4 * rests[1]
    assert max(rests) <= LONGEST_REST
    now = breaker.free_at(now)
    breaker.begin(now)
    breaker.succeeded()
    fail(breaker, now)
    assert breaker.free_at(now) - now <= FIRST_REST


def test_what_was_under_way_when_it_opened_changes_nothing(breaker: Breaker) -> None:
    fail(breaker, 0)
    rest = breaker.free_at(0)
    for _ in range(20):
        breaker.failed(0)
    assert breaker.free_at(0) == rest


def test_an_answer_that_was_under_way_ends_no_rest(breaker: Breaker) -> None:
    breaker.open(0, LONGEST_REST)
    breaker.succeeded()
    assert not breaker.begin(1)


def test_a_rest_that_was_waited_for_is_over(breaker: Breaker) -> None:
    fail(breaker, 0)
    breaker.end_rest()
    assert breaker.begin(0)
    breaker.end_rest()
    assert not breaker.begin(0), "somebody tries already"


def test_a_try_that_nobody_has_heard_of_again_is_over(breaker: Breaker) -> None:
    fail(breaker, 0)
    rest = breaker.free_at(0)
    assert breaker.begin(rest)
    assert not breaker.begin(rest + PROBE_PATIENCE - 1)
    assert breaker.begin(rest + PROBE_PATIENCE)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["begin", "succeeded", "failed"]), st.floats(0, 40)), max_size=200))
def test_an_open_one_lets_one_request_at_a_time_leave(events: list[tuple[str, float]]) -> None:
    breaker, now, trying = Breaker(Random(1)), 0.0, 0
    for what, later in events:
        now += later
        if what == "begin":
            was_closed = breaker.closed
            if breaker.begin(now) and not was_closed:
                trying += 1
            assert trying <= 1 or now >= PROBE_PATIENCE
        else:
            breaker.succeeded() if what == "succeeded" else breaker.failed(now)
            trying = 0
        assert breaker.free_at(now) <= now + LONGEST_REST
