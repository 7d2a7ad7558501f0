"""The life of a background worker: database, flag, settings, needs, first run, work, and leaving in good order.

The main thread works and takes signals; the heart's thread tells of it, and says when the worker is to rest or to go
on. A flag that is off, maintenance, and a spent budget park the worker: its process stays, so nobody has to start it.
"""

import logging
import os
import signal
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from types import FrameType

from django.conf import settings
from django.db import close_old_connections

from config.masks import SHORTEST_PASSWORD
from config.options import EX_CONFIG
from indexer.chains.connections import Connection
from indexer.workers.background import BackgroundWorker, Misconfigured, OutOfBudget, Stopped, Work
from indexer.workers.gate import find_reason_to_rest
from indexer.workers.heart import Heart
from indexer.workers.live import LiveSetting
from indexer.workers.live_values import LiveValues
from indexer.workers.pulse import LoopPulse, RunPulse
from indexer.workers.registry import Found, load_worker
from indexer.workers.starting import refuse_missing, refuse_old_tables, wait_for_database
from indexer.workers.states import State

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds after a run that failed: twice as long after each further one, but no longer than `every`."""


class Runtime:
    """Runs one background worker in this process until it is told to stop.

    `name`: of its program, which is its own name unless supervisord says otherwise.
    """

    def __init__(self, found: Found, name: str) -> None:
        self.found = found
        self.name = name
        self.live = LiveValues()
        self.heart = Heart(name, found.name, self.live, on_change=self.look)
        self.leaving = Event()
        self.changed = Event()
        """Set when there may be a reason to do something else than before."""
        self.has_begun = False
        self.reason_to_rest = ""
        self.pulse = RunPulse(self.heart)
        self.work = self.begin_work()
        self.failures_in_a_row = 0

    def run(self) -> int:
        """The exit code: 0 told to stop, 78 misconfigured."""
        self.handle_signals()
        try:
            self.heart.start()
            self.live_through()
        except Misconfigured as error:
            log.error("%s: %s", self.name, error)
            self.heart.say(State.MISCONFIGURED, str(error))
            return EX_CONFIG
        except SystemExit:
            self.heart.say(State.STOPPED, "told to stop before it began")
            raise
        else:
            self.heart.say(State.STOPPED, "told to stop")
            log.info("%s: the worker has left in good order", self.name)
            return 0
        finally:
            self.heart.close()

    def live_through(self) -> None:
        """From the database to the last run. Raises Misconfigured, and SystemExit when told to stop before it began."""
        self.heart.say(State.STARTING, "waiting for the database")
        wait_for_database(self.name, self.wait_at_start, refuse_old_tables)
        while not self.heart.has_read.wait(1):
            self.heart.progress()
        self.has_begun = True
        while not self.leaving.is_set() and self.reason_to_rest:
            self.rest()
        if self.leaving.is_set():
            return
        self.heart.say(State.STARTING, "reading what it needs")
        worker = load_worker(self.found)
        settings.MASK.add(value for need in worker.needs if len(value := os.environ.get(need, "")) >= SHORTEST_PASSWORD)
        refuse_missing(worker.needs)
        self.heart.hung_after, self.heart.memory_limit = worker.hung_after, worker.memory_limit
        self.heart.say(State.STARTING, "its first run is on")
        while not self.leaving.is_set():
            if self.reason_to_rest:
                self.rest()
            else:
                self.work_on(worker)

    def wait_at_start(self, seconds: float) -> None:
        self.heart.progress()
        time.sleep(seconds)

    def begin_work(self) -> Work:
        """A new Work, which is stopped at once where there is a reason to."""
        log = logging.getLogger(self.found.module)
        self.work = Work(self.live, log, self.pulse)
        if self.leaving.is_set() or self.reason_to_rest:
            self.work.stop.set()
        return self.work

    def work_on(self, worker: type[BackgroundWorker]) -> None:
        """One run after the other, until there is no more work to take or the worker is to be made anew."""
        self.pulse = LoopPulse(self.heart) if worker.every is None else RunPulse(self.heart)
        work = self.begin_work()
        made: BackgroundWorker | None = None
        failed = False
        while not (failed or work.stop.is_set()):
            self.changed.clear()
            self.pulse.begin()
            try:
                # Those that a restart of the database has ended among them.
                close_old_connections()
                made = made or worker()
                self.pulse.end(made.run(work) or 0)
            except Stopped:
                return
            except OutOfBudget as error:
                self.save(error)
                continue
            except Misconfigured:
                raise
            except (Exception, SystemExit) as error:  # the handler of signals raises none any more
                failed = True
                self.note_failure(work, error)
            with suppress(Stopped):
                self.pause(worker, work, failed=failed)

    def note_failure(self, work: Work, error: BaseException) -> None:
        self.failures_in_a_row = 1 if self.pulse.went_well else self.failures_in_a_row + 1
        work.log.exception("%s: its run failed", self.name)
        self.heart.note_run(self.pulse.seconds, failed=True)
        self.heart.say(State.HEALTHY, f"its last run failed: {type(error).__name__}: {error}")

    def pause(self, worker: type[BackgroundWorker], work: Work, *, failed: bool) -> None:
        """Until the next run is due, by the live settings as they are then. Raises Stopped."""
        since = time.monotonic()
        while (left := since + self.seconds_between(worker, failed=failed) - time.monotonic()) > 0:
            work.pause(min(left, 1.0))

    def seconds_between(self, worker: type[BackgroundWorker], *, failed: bool) -> float:
        every = self.live.number(worker.every) if isinstance(worker.every, LiveSetting) else worker.every
        if not failed:
            return FIRST_PAUSE if every is None else every
        longest = LONGEST_PAUSE if every is None else min(LONGEST_PAUSE, max(FIRST_PAUSE, every))
        growing: float = FIRST_PAUSE * 2 ** min(self.failures_in_a_row - 1, 10)
        return min(longest, growing)

    def save(self, error: OutOfBudget) -> None:
        """Wait until there is a budget again, or a live setting is changed, for that may have brought one."""
        until = error.until or start_of_tomorrow()
        left = (until - datetime.now(UTC)).total_seconds()
        why = f"{error or 'its budget is spent'}; until {until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        log.warning("%s: out of budget: %s", self.name, why)
        self.heart.say(State.OUT_OF_BUDGET, why)
        self.changed.wait(max(left, FIRST_PAUSE))

    def rest(self) -> None:
        """Until there is a reason to go on, or to leave."""
        log.info("%s: it rests: %s", self.name, self.reason_to_rest)
        while not self.leaving.is_set() and (why := self.reason_to_rest):
            self.changed.clear()
            self.heart.say(State.STOPPED_BY_FLAG, why)
            if why == self.reason_to_rest and not self.leaving.is_set():
                self.changed.wait()
        if not self.leaving.is_set():
            log.info("%s: it goes on", self.name)
            self.heart.say(State.STARTING, "it is to work again")

    def look(self, connection: Connection) -> None:
        """In the heart's thread, when live settings were read: whether there is a reason to rest."""
        self.reason_to_rest = find_reason_to_rest(self.live, self.name)
        if self.reason_to_rest:
            self.work.stop.set()
        self.changed.set()

    def handle_signals(self) -> None:
        """SIGTERM and SIGINT finish the run in hand; a second one ends at once."""
        signal.signal(signal.SIGTERM, self.on_stop)
        signal.signal(signal.SIGINT, self.on_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def on_stop(self, number: int, frame: FrameType | None) -> None:
        if self.leaving.is_set():
            os._exit(128 + number)
        # Not here: the main thread may be in the midst of waiting for one of these events, and hold its lock.
        Thread(target=self.leave, daemon=True).start()
        if not self.has_begun:
            log.info("%s: told to stop before it began", self.name)
            sys.exit(0)

    def leave(self) -> None:
        log.info("%s: told to stop; finishing the run in hand", self.name)
        self.leaving.set()
        self.work.stop.set()
        self.changed.set()


def start_of_tomorrow() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
