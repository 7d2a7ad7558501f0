"""Follows a run to its end for somebody who waits for it at a terminal."""

import shutil
import time
from collections.abc import Callable, Iterator

from django.db import close_old_connections

from indexer.tasks.outages import AWAY
from indexer.tasks.progress import draw_bar
from indexer.tasks.states import OVER, RunState
from indexer.tasks.statuses import TaskRunStatus, read_run
from indexer.tasks.tables import say_run

LOOK_EVERY = 0.5
"""Seconds."""
PATIENCE = 60.0
"""Seconds that a database which is away is waited for."""
SAY_EVERY = 10.0
"""Seconds between two lines where they do not take each other's place."""


def follow(run_id: int, timeout: float | None) -> Iterator[TaskRunStatus]:
    """The run as it is, again and again until it is over, or until `timeout` seconds have passed.

    Raises one of AWAY where the database is away then, or has been for PATIENCE seconds.
    """
    seen_at = time.monotonic()
    deadline = None if timeout is None else seen_at + timeout
    while True:
        is_last = deadline is not None and time.monotonic() >= deadline
        try:
            close_old_connections()
            run = read_run(run_id)
        except AWAY:
            if is_last or time.monotonic() >= seen_at + PATIENCE:
                raise
        else:
            seen_at = time.monotonic()
            yield run
            if is_last or run.state in OVER:
                return
        time.sleep(LOOK_EVERY if deadline is None else max(0.0, min(LOOK_EVERY, deadline - time.monotonic())))


class ProgressLine:
    """One line with a bar that is written over at a terminal; elsewhere a line now and then, and at each change of
    state."""

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        is_terminal: bool,
        clock: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
    ) -> None:
        self.write = write
        self.is_terminal = is_terminal
        self.clock = clock
        self.columns = columns
        self.width = 0
        self.said: tuple[str, float] | None = None

    def show(self, run: TaskRunStatus) -> None:
        more = " ".join(say_run(run).split())
        if self.is_terminal:
            # One that went on in the next line could not be written over.
            bar = draw_bar(run.progress) if run.state is RunState.RUNNING else ""
            parts = filter(None, [f"run {run.id} {run.state.value}", bar, more])
            words = "  ".join(parts)[: max(1, self.columns() - 1)]
            self.write("\r" + words.ljust(self.width))
            self.width = len(words)
        elif self.said is None or self.said[0] != run.state or self.clock() - self.said[1] >= SAY_EVERY:
            self.said = run.state, self.clock()
            self.write(f"run {run.id} of {run.task}: {run.state.value}{more and f', {more}'}\n")

    def end(self) -> None:
        if self.width:
            self.write("\n")
