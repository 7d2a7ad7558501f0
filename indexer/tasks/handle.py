"""A run as its function sees it, in a worker; and the thread that tells the database of it, beside the work."""

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from threading import Event, Thread
from typing import Any

import psycopg
from django.db import connections

from indexer.chains.connections import Connection, open_beside
from indexer.chains.durations import show_brief
from indexer.tasks import budgets, claims
from indexer.tasks.claims import Claim
from indexer.tasks.declaring import Cancelled, Lost, Run, Task, TaskError, TimedOut
from indexer.workers.lines import LineBuffer, Statements, store_lines

log = logging.getLogger(__name__)

BEAT = 2.0
"""Seconds between two signs of life."""
MOST_COUNTED = 2**63 - 1
LIMITS = "SET lock_timeout TO '1s'; SET statement_timeout TO '5s'"
OF_RUN = Statements(
    store="""
INSERT INTO public.task_lines (run_id, at, level, text)
SELECT %(owner)s, now() - line.ago, line.level, line.text
FROM unnest(%(ago)s::interval[], %(level)s::text[], %(text)s::text[]) AS line (ago, level, text)
""",
    forget="""
DELETE FROM public.task_lines WHERE run_id = %(owner)s AND id <= (
    SELECT id FROM public.task_lines WHERE run_id = %(owner)s ORDER BY id DESC OFFSET %(kept)s LIMIT 1
)
""",
)


class Leaving(Exception):
    """The worker is told to stop: the run gives its place back, and another worker goes on with it."""


class RunLog(logging.Logger):
    """Its lines are kept with the run whatever LOG_LEVEL says; the process's own log has those of that level.

    To be made by hand: a logger that logging knows of would stay for ever.
    """

    def callHandlers(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        for handler in self.handlers:
            handler.handle(record)
        if self.parent is not None and self.parent.isEnabledFor(record.levelno):
            self.parent.callHandlers(record)


class Handle(Run):
    """To be made in the thread that does the run. `leaving` is set when the worker is told to stop."""

    def __init__(self, claim: Claim, task: Task, leaving: Event) -> None:
        self.claim = claim
        self.task = task
        self.leaving = leaving
        self.cursor = claim.cursor
        self.done, self.total = claim.done, claim.total
        self.before = claim.done
        """How much of what is done had been done when this attempt began."""
        self.partition: str | None = None
        self.stuck = claim.stuck
        """How often the run was left since it last came further."""
        self.cancelled_by = ""
        self.is_lost = False
        self.session = connections["default"]
        """Of the thread that does it: what its function writes, it writes there."""
        self.has_saved_since = False
        """Whether a batch has been stored since there was a reason to end."""
        self.lines = LineBuffer()
        self.log = RunLog(f"{task.function.__module__}.{claim.run}", logging.INFO)
        self.log.parent = logging.getLogger(task.function.__module__)
        self.log.addHandler(self.lines)
        self._beside: Connection | None = None
        self.restart_clock()

    def close(self) -> None:
        if self._beside is not None:
            self._beside.close()

    def beside(self) -> Connection:
        """A connection for budgets, in autocommit whatever its function does on Django's; a new one if it broke."""
        if self._beside is not None:
            try:
                self._beside.execute("SELECT 1")
            except psycopg.OperationalError:
                self._beside.close()
            else:
                return self._beside
        self._beside = open_beside(application_name="footprint budgets of a run")
        return self._beside

    def store_lines(self, beside: Connection) -> None:
        """What it has said and what is not stored yet."""
        now = time.monotonic()
        while lines := self.lines.take():
            store_lines(beside, self.claim.run, lines, now, OF_RUN)
            self.lines.forget(lines)

    def keep_last_lines(self) -> None:
        """Those of its last moments, if the database was away then, once its end is stored."""
        if self.lines.waiting and not self.is_lost:
            with suppress(psycopg.Error):
                self.store_lines(self.beside())

    def restart_clock(self) -> None:
        self.deadline = time.monotonic() + self.task.time_limit

    @property
    def overdue(self) -> float:
        """Seconds since its time was up; negative before."""
        return time.monotonic() - self.deadline

    def progress(self, done: int, total: int | None = None) -> None:
        for count in (done, total):
            if count is not None and not -MOST_COUNTED <= count <= MOST_COUNTED:
                raise ValueError(f"a progress of {count} cannot be stored: it is a number of 64 bits")
        if self.partition is None:  # what people are shown of a partitioned run are its partitions
            self.done, self.total = done, total
            self.before = min(self.before, done)  # an attempt may begin anew
        self.heed()

    def save(self, cursor: Any) -> None:
        """A batch that is done is stored even where the run is to end: the next sign of progress ends it."""
        if self.has_saved_since:
            self.heed()
        kept = cursor if self.partition is None else {"partition": self.partition, "cursor": cursor}
        claims.save(self.claim, kept, self.done, self.total)
        self.cursor = cursor
        self.stuck = 0
        self.has_saved_since = self.reason_to_end() is not None

    def reserve(self, api: str) -> None:
        if api not in self.task.budgets:
            raise TaskError(
                f"{self.task.name} asks {api}, which it does not declare: budgets={(*self.task.budgets, api)!r}"
            )
        while True:
            turn = budgets.reserve(self.beside(), api)
            self.pause(turn.seconds)
            # Whoever has asked meanwhile may have been told to leave it alone.
            if turn.granted and not (turn.seconds and budgets.give_back(self.beside(), api)):
                return

    def pause(self, seconds: float) -> None:
        """Wait, but for nothing that ends the run."""
        until = time.monotonic() + seconds
        self.heed()
        while (left := until - time.monotonic()) > 0:
            self.leaving.wait(min(left, BEAT))
            self.heed()

    def learn(self, api: str, status: int, headers: Mapping[str, str]) -> None:
        budgets.learn(self.beside(), api, status, headers)

    def heed(self) -> None:
        """Raises what ends the run, if anything does."""
        if (reason := self.reason_to_end()) is not None:
            raise reason

    def reason_to_end(self) -> Exception | None:
        if self.is_lost:
            return Lost(self.claim.run)
        if self.cancelled_by:
            return Cancelled(f"cancelled by {self.cancelled_by}")
        if self.overdue > 0:
            return TimedOut(f"it took longer than {show_brief(self.task.time_limit)}")
        if self.leaving.is_set():
            return Leaving("its worker has left the line")
        return None


class Beating:
    """Around a run's work: tells every two seconds that it goes on, how far, and its lines; hears of its end."""

    def __init__(self, run: Handle) -> None:
        self.run = run
        self.over = Event()
        self.thread = Thread(target=self.live, name=f"beat of run {run.claim.run}", daemon=True)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *raised: object) -> None:
        self.over.set()
        self.thread.join()

    def live(self) -> None:
        """Until the work is over, and once more then; a database that is away is tried again at the next beat."""
        beside: Connection | None = None
        while True:
            was_over = self.over.wait(BEAT)
            try:
                if beside is None:
                    beside = open_beside(application_name="footprint beat of a run", connect_timeout=5)
                    beside.execute(LIMITS)
                self.tell(beside)
            except psycopg.Error as error:
                # A row that its own work has locked, or a database that is away.
                log.info("run %s: its sign of life was not stored: %s", self.run.claim.run, str(error).strip())
                if beside is not None and beside.broken:
                    beside.close()
                    beside = None
            except Exception:
                # Whatever it is: without its beat nobody would hear that the run is cancelled, or that it is lost.
                log.exception("run %s: its sign of life was not stored", self.run.claim.run)
            if was_over or self.run.is_lost:
                break
        if beside is not None:
            beside.close()

    def tell(self, beside: Connection) -> None:
        run = self.run
        try:
            run.cancelled_by = claims.beat(beside, run.claim, run.done, run.before, run.total)
        except Lost:
            run.is_lost = True
            return
        run.store_lines(beside)
