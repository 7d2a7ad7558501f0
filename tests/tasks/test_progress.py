"""How fast a run gets on, in numbers and in words."""

import pytest

from indexer.tasks.progress import draw_bar, measure, show_progress


@pytest.mark.parametrize(
    ("done", "total", "seconds", "words"),
    [
        (0, None, 0.0, ""),  # nothing is known
        (0, 200, 5.0, "0 of 200 (0%)"),  # no rate can be told yet
        (50, 200, 10.0, "50 of 200 (25%), 5.0/s, 30 s left"),
        (8_248, 8_248, 20.0, "8,248 of 8,248 (100%), 412/s"),  # nothing is left
        (250, 200, 10.0, "250 of 200 (100%), 25/s"),  # more than was expected
        (70, None, 10.0, "70, 7.0/s"),  # nobody knows how many there are
        (5, 10, 0.0, "5 of 10 (50%)"),  # no time has passed
        (0, 0, 5.0, "0 of 0"),  # there is nothing to do
    ],
)
def test_progress_is_told_as_far_as_it_is_known(done: int, total: int | None, seconds: float, words: str) -> None:
    assert show_progress(measure(done, total, seconds)) == words


def test_what_was_done_before_the_attempt_makes_it_no_faster() -> None:
    assert show_progress(measure(1_100, 1_200, 10.0, 1_000)) == "1,100 of 1,200 (92%), 10/s, 10 s left"
    assert show_progress(measure(1_000, 1_200, 10.0, 1_000)) == "1,000 of 1,200 (83%)"


@pytest.mark.parametrize(
    ("done", "total", "bar"),
    [
        (0, 200, "[----------]"),
        (119, 200, "[#####-----]"),
        (199, 200, "[#########-]"),  # it is full when all is done, and not before
        (200, 200, "[##########]"),
        (250, 200, "[##########]"),
        (-5, 200, "[----------]"),
        (70, None, ""),
        (0, 0, ""),
    ],
)
def test_a_bar_is_as_full_as_it_is_known_to_be(done: int, total: int | None, bar: str) -> None:
    assert draw_bar(measure(done, total, 5.0), 10) == bar
