"""One run in a worker, from its claim to its end: what its function gives or raises decides where the run goes.

Nothing is decided outside the database: each end is one transaction of the run's row and its place in the line, for
the claim of this worker, so that a run that another worker has taken over is left alone.
"""

import logging
import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from threading import Event, Lock

from django.db import DatabaseError, close_old_connections, connections

from indexer.chains.durations import show_brief
from indexer.tasks import claims
from indexer.tasks.claims import Claim, Trouble
from indexer.tasks.declaring import Cancelled, Counts, Lost, NoSuchTask, TaskError, TimedOut, Wait
from indexer.tasks.handle import Beating, Handle, Leaving
from indexer.tasks.outages import AWAY, WORDS, is_outage
from indexer.tasks.params import read_params
from indexer.tasks.partitions import run_partitions
from indexer.tasks.registry import find
from indexer.tasks.retrying import asked_pause, pause_after
from indexer.tasks.schedules import database_now
from indexer.tasks.sessions import end_session
from indexer.tasks.states import RunState
from indexer.tasks.takeovers import MOST
from indexer.tasks.troubles import keep_trouble, say

log = logging.getLogger(__name__)

ELSEWHERE = timedelta(seconds=60)
"""After which a run comes again whose task's file this worker has not."""
PATIENCE = 10.0
"""Seconds that the end of a run is tried to be stored; then others take the run over."""


class Undecided(Exception):
    """What a function gave or raised cannot be stored, such as a Wait until a moment that no calendar has."""


class Place:
    """A worker's process, as its runs see it: its name, whether it is told to stop, the runs that it has in hand."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self.leaving = Event()
        self.ended = 0
        self._runs: dict[int, Handle] = {}
        self._lock = Lock()

    @property
    def runs(self) -> list[Handle]:
        with self._lock:
            return list(self._runs.values())

    @contextmanager
    def holding(self, run: Handle) -> Iterator[None]:
        with self._lock:
            self._runs[run.claim.run] = run
        try:
            yield
        finally:
            with self._lock:
                del self._runs[run.claim.run]
                self.ended += 1


def execute(run_id: int, job_id: int, place: Place) -> None:
    """What a job of the line does. Whatever the task raises is the run's, not the caller's.

    In a thread that has had other runs before: their connection may be broken or too old by now.
    """
    close_old_connections()
    try:
        carry_out(run_id, job_id, place)
    finally:
        close_old_connections()


def carry_out(run_id: int, job_id: int, place: Place) -> None:
    claim = claims.take(run_id, job_id, place.worker)
    if claim is None:
        return  # it is over, or another job carries it by now
    try:
        task = find(claim.task)
        params = read_params(task, claim.params)
    except NoSuchTask as error:
        leave_to_others(claim, error)
        return
    except TaskError as error:
        # No other attempt mends it.
        words = say(error)
        claims.end(claim, RunState.FAILED, claim.done, claim.total, words, Trouble(words))
        return
    run = Handle(claim, task, place.leaving)
    with closing(run), place.holding(run):
        outcome: Counts | BaseException
        with Beating(run):
            try:
                run.log.info("attempt %s of %s", claim.attempt, task.retry.attempts)
                outcome = run_partitions(run, task.partitions, params) if task.partitions else task(run, **params)
            except BaseException as error:  # whatever the task does; signals are the main thread's
                outcome = error
                tell(run, error)
            finally:
                # What it has set in its session, such as a time limit of statements, is of no other run.
                connections.close_all()
        if run.is_lost:
            outcome = Lost(run_id)
        settle(run, outcome)
        run.keep_last_lines()


def leave_to_others(claim: Claim, error: NoSuchTask) -> None:
    """Another worker may have the task's file: while a release is rolled out some have newer ones, or other apps."""
    words = say(error)
    if claim.stuck + 1 >= MOST:
        claims.end(claim, RunState.FAILED, claim.done, claim.total, words, Trouble(words))
        return
    claims.go_on(
        claim,
        RunState.WAITING,
        claim.done,
        claim.total,
        why=f"{words}; another worker may have it",
        due_at=database_now() + ELSEWHERE,
        is_attempt=False,
        is_stuck=True,
    )


def tell(run: Handle, error: BaseException) -> None:
    """The run's own log, and the worker's."""
    if isinstance(error, Cancelled | Leaving | Wait | Lost):
        run.log.info("%s", error)
    elif is_outage(error):
        run.log.warning("%s: %s", WORDS, str(error).strip())
    else:
        run.log.error("%s: %s", type(error).__name__, error, exc_info=error)


def settle(run: Handle, outcome: Counts | BaseException) -> None:
    """Store where the run goes; a database that has just been away is asked again.

    What cannot be stored so is a failure like others, and its pause the task's own.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            close_old_connections()
            decide(run, outcome)
            return
        except Lost as error:
            log.warning("%s", error)
            return
        except AWAY as error:
            if time.monotonic() > until:
                raise
            log.warning("run %s: its end is not stored yet: %s", run.claim.run, str(error).strip())
            time.sleep(1)
        except Exception as error:
            if isinstance(outcome, Undecided):
                raise
            log.exception("run %s: its end cannot be stored", run.claim.run)
            kind = type(outcome).__name__
            outcome = Undecided(f"what became of it, {kind}, cannot be stored: {type(error).__name__}: {error}")


def decide(run: Handle, outcome: Counts | BaseException) -> None:
    """Raises Lost."""
    claim, done, total = run.claim, run.done, run.total
    match outcome:
        case Counts():
            claims.succeed(claim, outcome, done, total)
        case Lost():
            raise outcome
        case Cancelled():
            claims.end(claim, RunState.CANCELLED, done, total, str(outcome))
        case Leaving():
            claims.go_on(claim, RunState.QUEUED, done, total, why=str(outcome), is_attempt=False)
        case Wait():
            claims.go_on(claim, RunState.WAITING, done, total, why=say(outcome), due_at=outcome.until, is_attempt=False)
        case _ if is_outage(outcome) and run.stuck + 1 < MOST:
            claims.go_on(claim, RunState.QUEUED, done, total, why=WORDS, is_attempt=False, is_stuck=True)
        case _:
            fail(run, outcome)


def fail(run: Handle, error: BaseException) -> None:
    """Another attempt, or none. Raises Lost."""
    claim, task = run.claim, run.task
    trouble = keep_trouble(error)
    pause = pause_after(task.retry, claim.attempt, random.random(), asked_pause(error))
    if pause is None:
        why = f"attempt {claim.attempt} of {task.retry.attempts} failed"
        claims.end(claim, RunState.FAILED, run.done, run.total, why, trouble)
        return
    due_at = database_now() + timedelta(seconds=pause)
    why = f"attempt {claim.attempt} of {task.retry.attempts} failed; the next one comes {pause:,.0f} s later"
    claims.go_on(claim, RunState.WAITING, run.done, run.total, why=why, due_at=due_at, trouble=trouble)


def give_up(run: Handle) -> None:
    """Of a run that does not heed its time limit: it is a failure of this attempt, whatever the run does later.

    What its function has open in the database is undone, for it may hold the run's own row.
    """
    run.is_lost = True
    try:
        end_session(run.session)
    except DatabaseError as error:
        log.warning("run %s: its session cannot be ended: %s", run.claim.run, str(error).strip())
    settle(run, TimedOut(f"it took longer than {show_brief(run.task.time_limit)}, and did not heed that"))
