"""A database that goes away under a run is no failure of its task, unless the run always brings that about."""

import psycopg
import pytest
from django.db import InterfaceError, OperationalError
from procrastinate.exceptions import ConnectorException
from psycopg import errors

from indexer.chains.connections import Connection
from indexer.tasks.claims import take
from indexer.tasks.handle import Handle
from indexer.tasks.models import TaskRun
from indexer.tasks.outages import is_outage
from indexer.tasks.queueing import enqueue
from indexer.tasks.registry import find
from indexer.tasks.running import Place, settle
from indexer.tasks.takeovers import MOST


def refusal() -> Exception:
    """What a connection says that nobody takes."""
    try:
        psycopg.connect("host=/nowhere")
    except psycopg.OperationalError as error:
        return error
    raise AssertionError("somebody is there")


def wrapped(wrapper: type[Exception], cause: Exception) -> Exception:
    error = wrapper("as its library says it")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "so"),
    [
        (refusal(), True),
        (errors.AdminShutdown(), True),
        (errors.CrashShutdown(), True),
        (errors.CannotConnectNow(), True),
        (errors.ConnectionFailure(), True),
        (psycopg.OperationalError("the connection is closed"), True),
        (wrapped(OperationalError, errors.AdminShutdown()), True),
        (wrapped(ConnectorException, refusal()), True),
        # A server in good health says these.
        (errors.QueryCanceled(), False),
        (errors.DeadlockDetected(), False),
        (errors.LockNotAvailable(), False),
        (errors.DiskFull(), False),
        (wrapped(OperationalError, errors.DeadlockDetected()), False),
        (wrapped(ConnectorException, errors.UniqueViolation()), False),
        # And these are said without one.
        (OperationalError("of another database"), False),
        (wrapped(InterfaceError, psycopg.InterfaceError("the cursor is closed")), False),
        (ConnectionError("of a source"), False),
        (ValueError(), False),
    ],
    ids=repr,
)
def test_outages_are_told_apart(error: Exception, so: bool) -> None:
    assert is_outage(error) is so


def lose(run: TaskRun, *, after: int | None = None) -> None:
    """A worker takes the run, and the database goes away under it, once it has stored a step if one is given."""
    run.refresh_from_db()
    claim = take(run.pk, run.job_id or 0, "test 1")
    assert claim
    handle = Handle(claim, find(run.task), Place("test 1").leaving)
    if after is not None:
        handle.save(after)
    settle(handle, refusal())
    run.refresh_from_db()


def test_it_goes_back_into_the_line_at_once(line: Connection) -> None:
    run = enqueue("count-up")
    lose(run)
    assert (run.state, run.attempt, run.why, run.error, run.due_at) == ("queued", 0, "the database was away", "", None)
    assert line.execute("SELECT count(*) FROM procrastinate_jobs WHERE id = %s", [run.job_id]).fetchone() == (1,)


@pytest.mark.usefixtures("line")
def test_one_that_never_comes_further_uses_up_its_attempts() -> None:
    run = enqueue("count-up")
    for _ in range(MOST - 1):
        lose(run)
        assert (run.state, run.attempt) == ("queued", 0)
    lose(run)
    assert (run.state, run.attempt) == ("waiting", 1)
    lose(run)
    assert (run.state, run.attempt) == ("failed", 2)
    assert "/nowhere" in run.error


@pytest.mark.usefixtures("line")
def test_one_that_comes_further_goes_on_however_often() -> None:
    run = enqueue("count-up")
    for step in range(2 * MOST):
        lose(run, after=step)
        assert (run.state, run.attempt, run.cursor) == ("queued", 0, step)
