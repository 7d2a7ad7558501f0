"""The numbers of a worker: error rate, latency, items a minute."""

import pytest

from indexer.workers.runs import LAST_RUNS, WINDOW, Runs


@pytest.mark.parametrize(
    ("ended", "error_rate", "latency"),
    [
        # nothing yet
        ([], 0, None),
        # a failed run counts with its time
        ([(1, False), (3, True)], 0.5, 2),
        # only the last ones count
        ([(100, True)] * 5 + [(2, False)] * LAST_RUNS, 0, 2),
        ([(2, False)] * 100 + [(4, True)] * (LAST_RUNS // 2), 0.5, 3),
    ],
)
def test_error_rate_and_latency_are_of_the_last_runs(
    ended: list[tuple[float, bool]], error_rate: float, latency: float | None
) -> None:
    runs = Runs(0)
    for now, (seconds, failed) in enumerate(ended):
        runs.note_run(now, seconds, failed=failed)
    assert (runs.error_rate, runs.latency) == (error_rate, latency)
    assert (runs.runs, runs.failures) == (len(ended), sum(failed for _, failed in ended))
    assert runs.last_run == (len(ended) - 1 if ended else None)


@pytest.mark.parametrize(
    ("noted", "now", "per_minute"),
    [
        # nothing, and too young to say
        ([], 100, 0),
        ([(0, 50)], 0.5, 0),
        # younger than the window: since it began
        ([(10, 20), (20, 20)], 60, 40),
        # the window, and what lies before it is forgotten
        ([(1, 1_000), (WINDOW, 50)], WINDOW + 100, 10),
        # nothing for a while
        ([(1, 1_000)], 10 * WINDOW, 0),
        # many in one second are one number
        ([(1 + step / 100, 1) for step in range(100)], 60, 100),
    ],
)
def test_items_a_minute_are_of_the_last_minutes(noted: list[tuple[float, int]], now: float, per_minute: float) -> None:
    runs = Runs(0)
    for at, items in noted:
        runs.note_items(at, items)
    assert runs.items_per_minute(now) == pytest.approx(per_minute)
    assert runs.items == sum(items for _, items in noted)


def test_what_is_kept_is_bounded() -> None:
    runs = Runs(0)
    for step in range(200_000):
        runs.note_items(step / 100, 1)
    assert len(runs._items) <= WINDOW + 2
