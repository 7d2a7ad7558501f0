"""What a worker tells of its work, on its way to its heart."""

import time

from indexer.workers.heart import Heart
from indexer.workers.states import State


class RunPulse:
    """Of a run that is one of many: its end says whether all went well."""

    def __init__(self, heart: Heart) -> None:
        self.heart = heart
        self.since = time.monotonic()
        self.went_well = False
        """Whether anything has, since this was made."""

    @property
    def seconds(self) -> float:
        """How long what is being done now has taken."""
        return time.monotonic() - self.since

    def begin(self) -> None:
        self.since = time.monotonic()

    def beat(self, items: int) -> None:
        self.heart.progress(items)

    def progress(self) -> None:
        self.heart.progress()

    def end(self, items: int) -> None:
        """The run has ended well."""
        self.went_well = True
        self.heart.note_run(self.seconds, items)
        self.heart.say(State.HEALTHY)

    def note_lag(self, seconds: float | None) -> None:
        self.heart.note_lag(seconds)


class LoopPulse(RunPulse):
    """Of a worker with a loop of its own: what it does from one beat to the next, but for pauses, counts as a run."""

    def beat(self, items: int) -> None:
        super().end(items)
        self.begin()

    def progress(self) -> None:
        super().progress()
        self.begin()

    def end(self, items: int) -> None:
        """The loop itself has ended, which is no run."""
        self.heart.progress(items)
