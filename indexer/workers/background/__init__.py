"""What the file of a background worker is made of. A worker is one file, and is called as its file is, with - for _:

    @worker(every=LiveSetting("prices.every", 60.0, "between two reads", "s", 1), needs=("API_KEY",))
    def prices(work: Work) -> int:
        ...
        return how_many

or, for what is not periodic, a class with a loop of its own:

    class Follow(BackgroundWorker):
        def run(self, work: Work) -> None:
            while True:
                work.beat(self.read_on())
                work.pause(1)

`runtime` runs it, `registry` finds it: see docs/workers.md. This room's own background workers lie beside this file.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from threading import Event
from typing import ClassVar, Protocol

from indexer.workers.live import LiveSetting, declare
from indexer.workers.live_values import LiveValues

SIGN_OF_LIFE = 1.0
"""Seconds after which a worker that pauses shows again that it does so on purpose."""


class Misconfigured(Exception):
    """The worker cannot work before somebody changes its configuration: exit code 78. The text says what is missing."""


class OutOfBudget(Exception):
    """The worker may ask no more before `until`; None: before the next day (UTC)."""

    def __init__(self, words: str = "", until: datetime | None = None) -> None:
        super().__init__(words)
        self.until = until


class Stopped(Exception):
    """The worker is to take no more work: it was told to stop, its flag is off, or maintenance is on."""


class Pulse(Protocol):
    """Who is told how the work goes: see `pulse`."""

    def beat(self, items: int) -> None: ...

    def progress(self) -> None: ...

    def note_lag(self, seconds: float | None) -> None: ...


class NoPulse:
    """For work that nobody watches, such as a test's."""

    def beat(self, items: int) -> None:
        pass

    def progress(self) -> None:
        pass

    def note_lag(self, seconds: float | None) -> None:
        pass


class Work:
    """What a worker is given: its live settings, its log, whether to stop, and what to tell of its progress.

    `stop` is set when there is no more work to take; it is never cleared: who works again is given another Work.
    """

    def __init__(
        self, live: LiveValues | None = None, log: logging.Logger | None = None, pulse: Pulse | None = None
    ) -> None:
        self.live = live or LiveValues()
        self.log = log or logging.getLogger(__name__)
        self.pulse = pulse or NoPulse()
        self.stop = Event()

    def beat(self, items: int = 0) -> None:
        """It goes on, and so many more items are done. To be told more often than every `workers.hung_after`."""
        self.pulse.beat(items)

    def note_lag(self, seconds: float | None) -> None:
        """It is so far behind what it follows; None: there is nothing to be behind."""
        self.pulse.note_lag(seconds)

    def pause(self, seconds: float) -> None:
        """Wait, which is no sign of hanging. Raises Stopped as soon as there is no more work to take."""
        deadline = time.monotonic() + seconds
        while not self.stop.wait(max(0.0, min(deadline - time.monotonic(), SIGN_OF_LIFE))):
            self.pulse.progress()
            if time.monotonic() >= deadline:
                return
        raise Stopped


class BackgroundWorker(ABC):
    """A worker, made anew whenever it begins to work: at its start, after an error, after it has rested.

    `needs`: environment variables without which it cannot work. `every`: seconds from the end of a run to the next
    one; None: `run` is a loop of its own, which ends when it is Stopped. `hung_after` (seconds without progress) and
    `memory_limit` (bytes) stand for the live settings where they are given.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    every: ClassVar[float | LiveSetting | None] = None
    hung_after: ClassVar[float | None] = None
    memory_limit: ClassVar[int | None] = None

    @abstractmethod
    def run(self, work: Work) -> int | None:
        """Work. What it returns are items done, besides those told by `work.beat`.

        Any exception but those of this module is an error of this run; the next one comes after a pause.
        """


Function = Callable[[Work], int | None]


class Task:
    """The function that `@worker` decorates."""

    def __init__(self, function: Function, worker: type[BackgroundWorker]) -> None:
        self.function = function
        self.worker = worker
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__module__ = function.__module__

    def __call__(self, work: Work) -> int | None:
        return self.function(work)


def worker(
    *,
    every: float | LiveSetting,
    needs: tuple[str, ...] = (),
    hung_after: float | None = None,
    memory_limit: int | None = None,
) -> Callable[[Function], Task]:
    """Make a worker of a function that does one run: see `BackgroundWorker`. A live setting is declared, too."""
    if isinstance(every, LiveSetting):
        declare(every)

    def decorate(function: Function) -> Task:
        given = {
            "__module__": function.__module__,
            "__doc__": function.__doc__,
            "needs": needs,
            "every": every,
            "hung_after": hung_after,
            "memory_limit": memory_limit,
            "run": lambda self, work: function(work),
        }
        return Task(function, type(function.__name__, (BackgroundWorker,), given))

    return decorate
