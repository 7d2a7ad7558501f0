"""How many blocks are asked for next: towards a steady number of logs, under what the provider takes, to an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.rpc import RangeEstimate, TooLarge

hints = st.builds(
    TooLarge,
    st.just("too large"),
    suggested=st.none() | st.tuples(st.integers(-10, 2_000_000), st.integers(-10, 2_000_000)),
    limit_blocks=st.none() | st.integers(-1, 2_000_000),
)
estimates = st.builds(RangeEstimate, st.integers(1, 1_000_000), st.integers(1, 100_000), st.integers(1, 1_000_000))


def test_a_range_is_taken_from_the_first_block_and_never_beyond_the_last() -> None:
    estimate = RangeEstimate(start=100)
    assert estimate.take(1, 1000) == 100
    assert estimate.take(950, 1000) == 1000
    assert estimate.take(7, 7) == 7


@pytest.mark.parametrize(
    ("blocks", "logs", "then"),
    [
        (1000, 0, 2000),  # nothing came: double
        (1000, 1, 2000),  # at most double
        (1000, 4000, 1250),  # by density
        (1000, 5000, 1000),
        (1000, 8000, 625),
        (1000, 900_000, 500),  # at most half
        (10, 0, 1000),  # the short end of a scan proves little
        (10, 50, 1000),
        (10, 50_000, 500),
    ],
)
def test_the_size_follows_the_density(blocks: int, logs: int, then: int) -> None:
    estimate = RangeEstimate(start=1000, aim_logs=5000)
    estimate.succeeded(blocks, logs)
    assert estimate.blocks == then


def test_the_size_stays_below_the_largest() -> None:
    estimate = RangeEstimate(start=1000, largest=3000)
    for _ in range(5):
        estimate.succeeded(estimate.blocks, 0)
    assert (estimate.blocks, estimate.cap) == (3000, 3000)


@pytest.mark.parametrize(
    ("suggested", "limit", "blocks", "cap"),
    [
        (None, None, 500, 1_000_000),  # no hint: half
        ((1, 300), None, 300, 1_000_000),
        ((5, 304), None, 300, 1_000_000),  # from elsewhere: its size is a hint all the same
        ((1, 1), None, 1, 1_000_000),
        ((1, 1000), None, 500, 1_000_000),  # equal to what was asked
        ((1, 5000), None, 500, 1_000_000),  # beyond it
        ((300, 1), None, 500, 1_000_000),  # inverted
        (None, 800, 800, 800),
        (None, 1000, 999, 999),  # exactly what was asked: it counts the distance
        (None, 2000, 500, 1_000_000),  # more than was asked
        (None, 0, 500, 1_000_000),
        ((1, 500), 500, 500, 500),
        ((1, 300), 800, 300, 800),
    ],
)
def test_a_refusal_shrinks_by_what_it_names_or_by_half(
    suggested: tuple[int, int] | None, limit: int | None, blocks: int, cap: int
) -> None:
    estimate = RangeEstimate(start=1000)
    estimate.refused(1, 1000, TooLarge("too large", suggested=suggested, limit_blocks=limit))
    assert (estimate.blocks, estimate.cap) == (blocks, cap)


def test_a_named_limit_stays_and_the_size_of_a_result_does_not() -> None:
    named, result = RangeEstimate(start=1000), RangeEstimate(start=1000)
    named.refused(1, 1000, TooLarge("up to a 500 block range", limit_blocks=500))
    result.refused(1, 1000, TooLarge("query returned more than 10000 results"))
    for _ in range(100):
        named.succeeded(named.blocks, 0)
        result.succeeded(result.blocks, 0)
    assert named.blocks == 500
    assert result.blocks > 1000


def test_an_unnamed_limit_costs_few_refusals() -> None:
    estimate, refusals, read = RangeEstimate(start=1000), 0, 0
    for _ in range(1000):
        asked = estimate.take(0, 10**9) + 1
        if asked > 2000:
            refusals += 1
            estimate.refused(0, asked - 1, TooLarge("block range is too wide"))
        else:
            read += asked
            estimate.succeeded(asked, 0)
    assert refusals < 50
    assert read > 1000 * 1500


def test_a_single_block_that_is_too_large_is_raised_on() -> None:
    error = TooLarge("query returned more than 10000 results", limit_blocks=1)
    with pytest.raises(TooLarge) as caught:
        RangeEstimate().refused(7, 7, error)
    assert caught.value is error


def test_a_size_below_one_is_a_mistake_of_ours() -> None:
    for wrong in ({"start": 0}, {"aim_logs": 0}, {"largest": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            RangeEstimate(**wrong)


@given(estimates, st.integers(0, 10**8), st.data())
def test_any_row_of_refusals_ends_at_a_single_block(estimate: RangeEstimate, first: int, data: st.DataObject) -> None:
    last = first + 10**7
    asked = estimate.take(first, last) - first + 1
    for _ in range(64):
        if asked == 1:
            break
        # After a few hints of any kind none come any more, so that only the estimate's own halving is left.
        error = data.draw(hints) if data.draw(st.booleans()) else TooLarge("too large")
        estimate.refused(first, first + asked - 1, error)
        smaller = estimate.take(first, last) - first + 1
        assert 1 <= smaller < asked
        asked = smaller
    else:
        while asked > 1:
            estimate.refused(first, first + asked - 1, TooLarge("too large"))
            asked = estimate.take(first, last) - first + 1
    with pytest.raises(TooLarge):
        estimate.refused(first, first, TooLarge("too large"))


@given(estimates, st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 1_000_000)) | hints, max_size=60))
def test_a_scan_always_goes_on(estimate: RangeEstimate, answers: list[tuple[int, int] | TooLarge]) -> None:
    first, last = 0, 10**9
    for answer in answers:
        end = estimate.take(first, last)
        before = estimate.blocks
        assert first <= end <= last
        if not isinstance(answer, TooLarge):
            estimate.succeeded(end - first + 1, answer[1])
            assert before // 2 <= estimate.blocks <= 2 * before
            first = end + 1
        elif end > first:
            estimate.refused(first, end, answer)
            assert estimate.blocks < before
        assert 1 <= estimate.blocks <= estimate.cap


@given(st.integers(1, 300), st.integers(1, 5_000), st.integers(1, 20_000))
def test_a_provider_with_any_limits_is_read_to_the_end(limit: int, result_cap: int, density: int) -> None:
    """Blocks hold `density` thousandths of a log; whatever is more than one block and over a limit is refused."""
    estimate, first, last, requests = RangeEstimate(), 0, 2_000, 0
    while first <= last:
        end = estimate.take(first, last)
        blocks = end - first + 1
        logs = blocks * density // 1000
        requests += 1
        assert requests < 10_000
        if blocks > 1 and (blocks > limit or logs > result_cap):
            estimate.refused(first, end, TooLarge("too large"))
        else:
            estimate.succeeded(blocks, logs)
            first = end + 1
