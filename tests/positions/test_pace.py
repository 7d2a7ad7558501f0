"""How long the past will take, from readings of what is left."""

import pytest

from indexer.positions.pace import WINDOW_SECONDS, Pace


@pytest.mark.parametrize(
    ("readings", "remaining"),
    [
        ([], None),
        ([(0, 100)], None),  # one reading has no pace
        ([(0, 100), (10, 100)], None),  # nothing was read
        ([(0, 0)], 0),
        ([(0, 100), (10, 50)], 10),
        ([(0, 100), (10, 50), (20, 0)], 0),
        ([(0, 100), (10, 90), (20, 1090), (30, 1080)], 1080 / 20 * 30),  # a scan was opened between
        ([(0, 900), (WINDOW_SECONDS, 100), (2 * WINDOW_SECONDS, 50)], WINDOW_SECONDS),  # the fast start is forgotten
    ],
)
def test_the_pace_of_the_last_readings_tells(readings: list[tuple[float, int]], remaining: float | None) -> None:
    pace = Pace()
    for seconds, left in readings:
        pace.note(seconds, left)
    assert pace.remaining() == remaining
