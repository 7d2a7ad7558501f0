"""When a chain's next block is not looked for yet."""

import pytest

from indexer.positions.rhythm import KNOWN, Rhythm


def after(blocks: list[tuple[int, int, float]]) -> Rhythm:
    rhythm = Rhythm()
    for number, timestamp, seen in blocks:
        rhythm.note(number, timestamp, seen)
    return rhythm


def every(own: int, here: float, step: int = 1, blocks: int = KNOWN + 1) -> list[tuple[int, int, float]]:
    return [(step * place, own * place, here * place) for place in range(blocks)]


@pytest.mark.parametrize(
    ("blocks", "seconds", "quiet"),
    [
        ([], 0, False),
        (every(12, 12.0), 9, True),
        (every(12, 12.0), 10, False),  # blocks do not come on the second
        (every(12, 12.0, blocks=KNOWN), 1, False),  # too few to tell
        (every(12, 0.1), 1, False),  # made, or caught up with, faster than they say
        (every(0, 0.25), 0.1, False),  # several in a second
        (every(12, 12.0, step=3), 3, True),  # three at a time: one may come every four seconds
        (every(12, 12.0, step=3), 4, False),
        ([*every(12, 12.0), (9, 98, 108.0)], 1, True),  # one came two seconds after the one before, by its own time
        ([*every(12, 12.0), (9, 98, 108.0)], 2, False),
        ([*every(12, 12.0), (7, 98, 108.0)], 1, False),  # a reorg
    ],
)
def test_it_is_quiet_for_most_of_the_shortest_interval(
    blocks: list[tuple[int, int, float]], seconds: float, quiet: bool
) -> None:
    last = blocks[-1][2] if blocks else 0.0
    assert after(blocks).is_quiet(last + seconds) is quiet


def test_the_same_block_shown_again_is_no_news() -> None:
    rhythm = after(every(12, 12.0))
    last = 12.0 * KNOWN
    rhythm.note(KNOWN, 12 * KNOWN, last + 11)
    assert not rhythm.is_quiet(last + 11)
