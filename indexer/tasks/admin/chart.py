"""How long the last runs of a task have taken, as the bars of an SVG. Pure: statuses in, numbers out."""

from collections.abc import Sequence
from typing import NamedTuple

from indexer.chains.durations import show_brief
from indexer.tasks.statuses import TaskRunStatus

WIDTH, GAP, HEIGHT = 14, 4, 72
"""Of a bar, between two, and of the highest: units of the drawing."""
LEAST = 2


class Bar(NamedTuple):
    """A run's bar; `words` are its title."""

    run: int
    state: str
    x: int
    y: float
    height: float
    words: str


class Chart(NamedTuple):
    """`highest`: what the highest bar stands for."""

    bars: list[Bar]
    width: int
    height: int
    highest: str


def draw(newest_first: Sequence[TaskRunStatus]) -> Chart | None:
    """The oldest on the left; None where nothing has taken any time yet."""
    runs = [run for run in reversed(newest_first) if run.seconds is not None]
    longest = max((run.seconds or 0.0 for run in runs), default=0.0)
    if not longest:
        return None
    bars = []
    for place, run in enumerate(runs):
        height = max(LEAST, round(HEIGHT * (run.seconds or 0.0) / longest, 1))
        words = f"run {run.id}, {run.queued_at:%Y-%m-%d %H:%M}: {run.state.value}, {show_brief(run.seconds)}"
        bars.append(Bar(run.id, run.state.value, place * (WIDTH + GAP), HEIGHT - height, height, words))
    return Chart(bars, len(bars) * (WIDTH + GAP), HEIGHT, show_brief(longest))
