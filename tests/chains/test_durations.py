"""Durations as every page and table writes them."""

import pytest

from indexer.chains.durations import show_brief, show_duration


@pytest.mark.parametrize(
    ("seconds", "plain", "brief"),
    [
        (None, "–", "–"),
        (-3, "0 s", "0 ms"),
        (0, "0 s", "0 ms"),
        (0.34, "0 s", "340 ms"),
        (2.5, "2 s", "2.5 s"),
        (9.94, "10 s", "9.9 s"),
        (10, "10 s", "10 s"),
        (119, "119 s", "119 s"),  # one minute is less exact than 119 seconds
        (120, "2 min", "2 min"),
        (7200, "2 h", "2 h"),
        (47 * 3600, "47 h", "47 h"),
        (4 * 86_400, "4 d", "4 d"),
        (5000 * 86_400, "5,000 d", "5,000 d"),
    ],
)
def test_a_duration_has_few_characters(seconds: float | None, plain: str, brief: str) -> None:
    assert (show_duration(seconds), show_brief(seconds)) == (plain, brief)
