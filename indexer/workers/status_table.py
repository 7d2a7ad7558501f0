"""The statuses of the workers as a table for people. Pure: values in, lines out."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from indexer.chains.columns import justify
from indexer.chains.durations import UNKNOWN, show_brief, show_duration
from indexer.workers.states import State
from indexer.workers.statuses import MEGABYTE, Status

HEADINGS = ("NAME", "STATE", "SINCE", "LAST RUN", "ERRORS", "ITEMS/MIN", "LATENCY", "RESTARTS", "MEMORY", "WHY")
STATE = HEADINGS.index("STATE")
COLOURS = {
    State.STARTING: "cyan",
    State.HEALTHY: "green",
    State.DEGRADED: "yellow",
    State.HUNG: "red",
    State.CRASHED: "red",
    State.STOPPED: "white",
    State.STOPPED_BY_FLAG: "white",
    State.MISCONFIGURED: "magenta",
    State.OUT_OF_BUDGET: "yellow",
}


class Line(NamedTuple):
    """A worker's cells, and its state for the colour; None where only its process is known."""

    cells: tuple[str, ...]
    state: State | None = None


def describe(status: Status, now: datetime) -> Line:
    why = f"{status.why}; {status.needs_person}".strip("; ") if status.needs_person else status.why
    return Line(
        (
            status.name,
            status.state.value,
            show_age(now, status.since),
            show_age(now, status.last_run),
            f"{status.error_rate:.0%}",
            f"{status.items_per_minute:,.1f}",
            show_brief(status.latency),
            str(status.restarts),
            f"{status.memory / MEGABYTE:,.0f} MB",
            why,
        ),
        status.state,
    )


def describe_process(name: str, words: str, why: str) -> Line:
    """A program that has told nothing of itself."""
    return Line((name, words, *[UNKNOWN] * (len(HEADINGS) - 3), why))


def lay_out(lines: Sequence[Line], colour: Callable[[str, str], str]) -> list[str]:
    """Aligned columns under their headings; `colour` takes a text and the name of a colour."""
    rows = [HEADINGS, *(line.cells for line in lines)]
    states = [None, *(line.state for line in lines)]
    return [join(cells, state, colour) for cells, state in zip(justify(rows), states, strict=True)]


def join(cells: list[str], state: State | None, colour: Callable[[str, str], str]) -> str:
    if state is not None:
        cells[STATE] = colour(cells[STATE], COLOURS[state])
    return "  ".join(cells).rstrip()


def show_age(now: datetime, then: datetime | None) -> str:
    """How long ago."""
    return show_duration(None if then is None else (now - then).total_seconds())
