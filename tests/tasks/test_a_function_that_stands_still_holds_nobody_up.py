"""What a function has open in the database ends with its time, and with a process that stands still."""

import time
from collections.abc import Callable
from threading import Event, Thread

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.signals import connection_created

from indexer.chains.connections import Connection
from indexer.tasks.declaring import Retry, Run, Task, task
from indexer.tasks.models import TaskRun
from indexer.tasks.queueing import enqueue
from indexer.tasks.running import Place, execute, give_up
from indexer.tasks.sessions import end_when_still
from tests.processes import wait_until


def beside(does: Callable[[], object]) -> Thread:
    """In a thread, whose connection nobody else would close."""

    def run() -> None:
        try:
            does()
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    return thread


def test_a_run_that_holds_its_own_row_is_given_up_in_time(declared: Callable[[Task], None]) -> None:
    holds, over = Event(), Event()

    @task(time_limit=0.1, retry=Retry(attempts=1))
    def stuck(run: Run) -> None:
        with transaction.atomic():
            run.save(1)
            holds.set()
            over.wait(60)

    declared(stuck)
    run, place = enqueue("stuck"), Place("test 1")
    working = beside(lambda: execute(run.pk, run.job_id or 0, place))
    assert holds.wait(10)
    begun = time.monotonic()
    (handle,) = place.runs
    beside(lambda: give_up(handle)).join(30)
    assert time.monotonic() - begun < 15
    run.refresh_from_db()
    assert (run.state, run.attempt, run.cursor) == ("failed", 1, None)
    assert "did not heed that" in run.error
    over.set()
    working.join(10)
    run.refresh_from_db()
    assert (run.state, run.attempt) == ("failed", 1)  # what it comes to later counts no more


@pytest.fixture
def soon() -> object:
    def end(**given: object) -> None:
        end_when_still(**{**given, "seconds": 0.5})  # type: ignore[arg-type]

    connection_created.connect(end)
    yield
    connection_created.disconnect(end)


@pytest.mark.usefixtures("soon")
def test_a_session_that_stands_still_in_a_transaction_lets_go(line: Connection) -> None:
    run = enqueue("count-up")
    said: list[str] = []

    def stand_still() -> None:
        try:
            with transaction.atomic():
                TaskRun.objects.filter(pk=run.pk).update(why="mine")
                time.sleep(3)
                connection.cursor().execute("SELECT 1")
        except DatabaseError as error:
            said.append(str(error))

    standing = beside(stand_still)
    free = "SELECT count(*) FROM (SELECT 1 FROM public.task_runs WHERE id = %s FOR UPDATE SKIP LOCKED) AS mine"
    wait_until(lambda: line.execute(free, [run.pk]).fetchone() == (0,), 5)
    wait_until(lambda: line.execute(free, [run.pk]).fetchone() == (1,), 2)
    standing.join()
    assert "idle-in-transaction timeout" in said[0]
