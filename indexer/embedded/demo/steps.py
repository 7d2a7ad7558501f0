"""What the demo says while it sets up, and how it is told to stop."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

LABEL_WIDTH = 30


class DemoError(Exception):
    """The demo cannot start or go on; the text says why and what to do."""


class Stopped(Exception):
    """The demo was told to stop."""


class Signals:
    """Ctrl-C, SIGTERM and SIGHUP ask the demo to stop; a second one asks it to hurry."""

    def __init__(self) -> None:
        self.stop = Event()
        self.hurry = Event()
        self.leaving = False

    def handle(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if not self.stop.is_set():
            self.stop.set()
            return
        self.hurry.set()
        if not self.leaving:
            # While it sets up, a step is waited for once only.
            raise Stopped

    def check(self) -> None:
        """Raise Stopped if the demo was told to stop."""
        if self.stop.is_set():
            raise Stopped


class Steps:
    """One line for each step: what, then what came of it and the seconds it took."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    @contextmanager
    def __call__(self, what: str) -> Iterator[list[str]]:
        """Yields a list for words about what came of it. Raises Stopped before or after the step."""
        self._signals.check()
        print(f"{what:<{LABEL_WIDTH}} ", end="", flush=True)
        began, words = time.monotonic(), list[str]()
        try:
            yield words
        except BaseException:
            print(flush=True)
            raise
        print(f"{time.monotonic() - began:5.1f} s  {', '.join(words)}".rstrip(), flush=True)
        self._signals.check()


def say(text: str) -> None:
    print(text, flush=True)


def is_a_screen() -> bool:
    return sys.stdout.isatty()
