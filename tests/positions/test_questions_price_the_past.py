"""What the pending past will cost, by tables: how it is cut, what a few answers tell, and how far ranges will reach."""

import pytest

from indexer.positions.definition import TRANSFER, Definition
from indexer.positions.estimate import (
    EMPTY_ANSWER,
    Need,
    Rates,
    Sample,
    cheapest_cost,
    count,
    cut,
    measure,
    price,
    reach,
)
from indexer.positions.questions import BYTES_PER_LOG, Question, Way
from indexer.positions.spans import unite
from indexer.rpc import RangeEstimate

LARGEST = 1_000_000
RATES = Rates(request_seconds=0.1, log_seconds=0.0001, log_bytes=500.0)


def definition(contract: int) -> Definition:
    return Definition(contract.to_bytes(20), TRANSFER, 2, None, None, None, None)


ONE, TWO = definition(1), definition(2)


def way(questions: int = 1, addresses: int = 1) -> Way:
    return Way("by address", [Question(("0x",) * addresses, ("t",))] * questions, RangeEstimate())


@pytest.mark.parametrize(
    ("needs", "united"),
    [
        # nothing
        ([], []),
        # the same twice
        ([[(5, 9)], [(5, 9)]], [(5, 9)]),
        # overlapping, and touching
        ([[(5, 9)], [(8, 12)], [(13, 13)]], [(5, 13)]),
        # apart, out of order
        ([[(20, 30), (50, 60)], [(1, 3)]], [(1, 3), (20, 30), (50, 60)]),
        # one within another
        ([[(1, 100)], [(20, 30)]], [(1, 100)]),
    ],
)
def test_needs_are_united(needs: list[list[tuple[int, int]]], united: list[tuple[int, int]]) -> None:
    found = unite(needs)
    assert found == united
    assert count(found) == len({block for parts in needs for a, b in parts for block in range(a, b + 1)})


def test_the_past_is_cut_into_equal_stretches_that_leave_nothing_out() -> None:
    stretches = cut([Need(ONE, [(100, 199)])], 4)
    assert [(part.first, part.last, part.blocks) for part in stretches] == [
        (100, 124, 25),
        (125, 149, 25),
        (150, 174, 25),
        (175, 199, 25),
    ]
    assert all(part.first < part.at < part.until <= part.last for part in stretches)


def test_gaps_count_for_nothing_and_no_point_lies_in_one() -> None:
    stretches = cut([Need(ONE, [(0, 9), (1000, 1029)])], 2)
    assert [(part.first, part.last, part.blocks) for part in stretches] == [(0, 1009, 20), (1010, 1029, 20)]
    for part in stretches:
        for block in (part.at, part.until):
            assert 0 <= block <= 9 or 1000 <= block <= 1029
        assert (part.at <= 9) == (part.until <= 9)


def test_fewer_blocks_than_points_are_a_stretch_each() -> None:
    assert [(part.at, part.until, part.blocks) for part in cut([Need(ONE, [(7, 8)])], 5)] == [(7, 7, 1), (8, 8, 1)]


def test_a_stretch_has_the_jobs_that_need_its_point_and_is_sampled_no_further_than_they_do() -> None:
    early, late = cut([Need(ONE, [(0, 99)]), Need(TWO, [(60, 79)])], 2)
    assert (early.definitions, late.definitions) == ([ONE], [ONE, TWO])
    assert (late.at, late.until) == (75, 79)


def test_rates_come_from_what_was_measured() -> None:
    # Two requests of 0.2 s and 0.5 s with 0 and 100 logs of 400 bytes.
    rates = measure([Sample(1000, 0, EMPTY_ANSWER, 0.2), Sample(1000, 100, EMPTY_ANSWER + 40_000, 0.5)])
    assert rates.request_seconds == 0.2
    assert rates.log_seconds == pytest.approx(0.003)
    assert rates.log_bytes == 400


def test_without_any_log_a_request_takes_what_it_took_in_the_mean() -> None:
    rates = measure([Sample(10, 0, 90, 0.25), Sample(10, 0, 90, 0.75)])
    assert rates == Rates(0.5, 0.0, BYTES_PER_LOG)


@pytest.mark.parametrize(
    ("density", "cap", "longest", "expected"),
    [
        # empty blocks: as far as a segment goes
        (0.0, LARGEST, 20_000, 20_000),
        # empty blocks and no segment in the way: the largest range there is
        (0.0, LARGEST, 10_000_000, LARGEST),
        # 5,000 logs an answer are aimed at
        (10.0, LARGEST, 20_000, 500),
        # more logs a block than are wanted in an answer
        (9_000.0, LARGEST, 20_000, 1),
        # what the node takes
        (0.0, 2_000, 20_000, 2_000),
        (0.0, 1, 20_000, 1),
        # a segment of few blocks
        (0.0, LARGEST, 7, 7),
    ],
)
def test_ranges_reach_what_the_estimate_comes_to(density: float, cap: int, longest: int, expected: int) -> None:
    assert reach(density, cap, longest) == expected


def test_the_price_counts_every_question_over_every_range() -> None:
    cost = price(way(questions=3), 100_000, 0.0, 10_000, 20_000, RATES)
    assert (cost.range_blocks, cost.requests, cost.bytes) == (10_000, 30, 30 * EMPTY_ANSWER)
    assert cost.seconds == pytest.approx(3.0)
    assert price(way(), 100_001, 0.0, 10_000, 20_000, RATES).requests == 11


def test_the_price_counts_every_log_of_every_question() -> None:
    cost = price(way(questions=2), 1_000, 5.0, LARGEST, 20_000, RATES)
    assert (cost.range_blocks, cost.requests) == (1_000, 2)
    assert cost.bytes == 2 * EMPTY_ANSWER + 10_000 * 500
    assert cost.seconds == pytest.approx(2 * 0.1 + 10_000 * 0.0001)


def test_the_way_the_loops_prefer_is_the_cheapest() -> None:
    many = price(way(questions=36, addresses=500), 100_000, 0.01, 10_000, 20_000, RATES)
    one = price(way(questions=1, addresses=0), 100_000, 0.01, 10_000, 20_000, RATES)
    busy = price(way(questions=1, addresses=0), 100_000, 150.0, 10_000, 20_000, RATES)
    assert cheapest_cost([many, one]) is one
    assert cheapest_cost([many, busy]) is many
