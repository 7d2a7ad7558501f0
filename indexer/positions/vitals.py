"""What a chain's worker tells its heart: how its loops' steps go and what they wait for; and when it is to rest."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Lock
from time import monotonic

from indexer.chains.connections import Connection
from indexer.chains.registry import ChainError
from indexer.positions.meter import BLOCKS, HISTORIC, LATEST, Meter
from indexer.positions.protocol.outlook import Outlook
from indexer.rpc import BudgetSpent, QuotaSpent, RpcError
from indexer.workers.background import Misconfigured
from indexer.workers.child import PROGRAM
from indexer.workers.gate import find_reason_to_rest
from indexer.workers.heart import Heart
from indexer.workers.live_values import LiveValues
from indexer.workers.states import State

KIND = "chain"
HUNG_AFTER = 300.0
"""Seconds without a step of some loop: a range may be read for a minute, and a million rows stored for another."""
COUNT_EVERY = 1.0
"""Seconds between two looks at how many blocks were processed."""


def worker_name(slug: str, *, only_historic: bool) -> str:
    """What the worker is called: as its program is, where supervisord runs it."""
    return os.environ.get(PROGRAM) or (f"historic-{slug}-{os.getpid()}" if only_historic else f"worker-{slug}")


class Vitals:
    """Of one worker with these loops; safe to share between them.

    `reason_to_rest`, in words: the flag is off, or maintenance is on; set by the heart's thread, with `changed`.
    """

    def __init__(self, name: str, loops: Iterable[str], meter: Meter) -> None:
        self.live = LiveValues()
        self.heart = Heart(name, KIND, self.live, on_change=self.look)
        self.heart.hung_after = HUNG_AFTER
        self.meter = meter
        self.signs = dict.fromkeys(loops, monotonic())
        self.leading = LATEST if LATEST in self.signs else HISTORIC
        """The loop that says what state the worker is in."""
        self.reason_to_rest = ""
        self.changed = Event()
        self.counted = 0
        self.counted_at = monotonic()
        self.lock = Lock()

    def look(self, connection: Connection) -> None:
        """In the heart's thread, when live settings were read."""
        self.reason_to_rest = find_reason_to_rest(self.live, self.heart.program)
        self.changed.set()

    def note_sign(self, loop: str) -> None:
        """The loop goes on, or waits on purpose. The worker does as long as none of its loops is silent for long."""
        now = monotonic()
        self.signs[loop] = now
        if now - min(self.signs.values()) < HUNG_AFTER:
            self.heart.progress(self.count_blocks())

    def note_step(self, loop: str, seconds: float, *, worked: bool) -> None:
        """A step has ended well; `worked`: there was something to do."""
        self.note_sign(loop)
        if worked:
            self.heart.note_run(seconds)
        if loop == self.leading:
            self.heart.say(State.HEALTHY)

    def note_error(self, loop: str, seconds: float, error: RpcError) -> None:
        """A step has failed, and is tried again."""
        self.note_sign(loop)
        self.heart.note_run(seconds, failed=True)
        if loop != self.leading:
            return
        if isinstance(error, BudgetSpent | QuotaSpent):
            self.heart.say(State.OUT_OF_BUDGET, str(error))
        else:
            began = self.heart.said.state is not State.STARTING
            self.heart.say(State.HEALTHY if began else State.STARTING, f"trying again: {error}")

    def wait_for(self, words: str) -> None:
        """What it waits for before it can begin."""
        for loop in self.signs:
            self.note_sign(loop)
        self.heart.say(State.STARTING, words)

    def stand_by(self) -> None:
        """Another worker is at the chain's head."""
        self.note_sign(LATEST)
        self.heart.say(State.HEALTHY, "standing by: another worker is at the head")

    def rest(self, loop: str, stop: Event) -> None:
        """Return as soon as there is a reason to work, or to leave."""
        if not self.reason_to_rest:
            return
        while self.reason_to_rest and not stop.is_set():
            self.heart.say(State.STOPPED_BY_FLAG, self.reason_to_rest)
            stop.wait(0.5)
        self.note_sign(loop)
        if not stop.is_set():
            self.heart.say(State.STARTING, "it is to work again")

    def note_lag(self, head: int | None, seen: Outlook | None, block_time: float) -> None:
        """The latest loop has seen this head, with the cursor before it; the next block is on its way."""
        cursor = None if seen is None else seen.state.cursor
        if head is not None and cursor is not None:
            self.heart.note_lag(max(0, head - cursor - 1) * block_time)

    def leave(self) -> None:
        """It was told to stop, or is done, and has nothing in hand."""
        self.heart.say(State.STOPPED, "told to stop, or synced")

    def count_blocks(self) -> int:
        """Blocks processed since the last count; 0 where that was just now."""
        with self.lock:
            now = monotonic()
            if now - self.counted_at < COUNT_EVERY:
                return 0
            self.counted_at = now
            before, self.counted = self.counted, sum(self.meter.counts()[BLOCKS].values())
            return self.counted - before


@contextmanager
def alive(vitals: Vitals) -> Iterator[None]:
    """Let the heart beat meanwhile, and say at the end what ended it; other errors are for its log."""
    vitals.heart.start()
    try:
        yield
    except (Misconfigured, ChainError) as error:
        vitals.heart.say(State.MISCONFIGURED, str(error))
        raise
    except SystemExit:
        vitals.heart.say(State.STOPPED, "told to stop before it began")
        raise
    finally:
        vitals.heart.close()
