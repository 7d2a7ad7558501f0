"""Runs in this process, on a real database: every outcome of a function, and what is kept of it."""

import logging
import time
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections

from indexer.chains.connections import Connection
from indexer.tasks.claims import take
from indexer.tasks.declaring import Counts, Lost, Priority, TaskError, Wait
from indexer.tasks.handle import Handle
from indexer.tasks.models import Schedule, TaskRun
from indexer.tasks.queueing import cancel, enqueue, retry
from indexer.tasks.registry import Broken, find, load
from indexer.tasks.running import Place, execute, give_up, settle
from indexer.tasks.takeovers import MOST
from tests.tasks.samples.scheduled.stumble import Busy

pytestmark = pytest.mark.usefixtures("line")


def carry(run: TaskRun, place: Place | None = None) -> TaskRun:
    """Do it as a worker does, and look at it again."""
    execute(run.pk, run.job_id or 0, place or Place("test 1"))
    run.refresh_from_db()
    return run


def carry_beside(run: TaskRun) -> None:
    """In a thread, whose connection nobody else would close."""
    try:
        execute(run.pk, run.job_id or 0, Place("test 1"))
    finally:
        connections.close_all()


def jobs(line: Connection, run: TaskRun) -> list[tuple[Any, ...]]:
    return line.execute(
        "SELECT id, priority, lock, scheduled_at FROM procrastinate_jobs WHERE (args->>'run_id')::bigint = %s"
        " AND status = 'todo' ORDER BY id",
        [run.pk],
    ).fetchall()


def test_success(line: Connection) -> None:
    run = enqueue("count-up", {"steps": "4"}, actor="ann", priority=Priority.HIGH)
    assert (run.state, run.params, run.queued_at.tzinfo is not None) == ("queued", {"steps": 4}, True)
    assert jobs(line, run) == [(run.job_id, 20, "task:count-up", None)]
    carry(run)
    assert (run.state, run.attempt, run.created, run.done, run.total, run.cursor) == ("succeeded", 1, 4, 4, 4, 4)
    assert run.started_at
    assert run.finished_at
    assert [each.text for each in run.lines.all()] == ["attempt 1 of 2"]
    assert carry(run).attempt == 1  # a job of a run that is over does nothing


@pytest.mark.parametrize(("level", "shown"), [(logging.INFO, ["quiet", "loud"]), (logging.WARNING, ["loud"])])
def test_the_run_keeps_lines_that_the_process_does_not_show(
    caplog: pytest.LogCaptureFixture, level: int, shown: list[str]
) -> None:
    run = enqueue("stumble")
    claim = take(run.pk, run.job_id or 0, "test 1")
    assert claim
    handle = Handle(claim, find("stumble"), Place("test 1").leaving)
    with caplog.at_level(level):
        logging.getLogger("tests").setLevel(level)
        handle.log.info("quiet")
        handle.log.warning("loud")
    logging.getLogger("tests").setLevel(logging.NOTSET)
    assert caplog.messages == shown
    assert [line.text for line in handle.lines.take()] == ["quiet", "loud"]


def test_a_thread_whose_connection_broke_after_its_last_run_does_the_next(line: Connection) -> None:
    first, second = enqueue("count-up"), enqueue("count-up")
    said: list[str] = []

    def carry_both() -> None:
        try:
            execute(first.pk, first.job_id or 0, Place("test 1"))
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                line.execute("SELECT pg_terminate_backend(%s, 5000)", cursor.fetchone())
            execute(second.pk, second.job_id or 0, Place("test 1"))
        except Exception as error:
            said.append(str(error))
        finally:
            connections.close_all()

    thread = Thread(target=carry_both)
    thread.start()
    thread.join(20)
    second.refresh_from_db()
    assert (second.state, said) == ("succeeded", [])


def test_a_failure_is_tried_again_and_then_final(line: Connection) -> None:
    run = carry(enqueue("stumble", {"times": 9, "words": f"password={settings.SECRET_KEY}"}))
    assert (run.state, run.attempt) == ("waiting", 1)
    assert "attempt 1 of 3 failed" in run.why
    assert run.error == "Busy: password=***"
    assert "Traceback" in run.traceback
    assert settings.SECRET_KEY not in run.traceback
    assert len(jobs(line, run)) == 2  # that of the first attempt is ended by its worker
    carry(carry(run))
    assert (run.state, run.attempt, run.why) == ("failed", 3, "attempt 3 of 3 failed")
    again = retry(run.pk, "ann")
    assert (again.retry_of, again.cursor, again.params, again.actor) == (run, 3, run.params, "ann")
    with pytest.raises(TaskError, match=f"is tried again already: run {again.pk} is queued"):
        retry(run.pk, "bob")
    cancel(again.pk, "ann")
    assert retry(run.pk, "bob").retry_of == run


def test_a_retry_is_of_the_same_schedule_which_has_one_run_at_once() -> None:
    schedule = Schedule.objects.create(name="counting", task="count-up", every=60.0)
    run = cancel(enqueue("count-up", schedule=schedule).pk, "ann")
    other = enqueue("count-up", schedule=schedule)
    with pytest.raises(TaskError, match=f"the schedule of run {run.pk}, counting, has a run in the line already"):
        retry(run.pk, "ann")
    cancel(other.pk, "ann")
    assert retry(run.pk, "ann").schedule == schedule


def test_a_run_that_goes_on_is_measured_from_where_it_went_on() -> None:
    run = enqueue("count-up", {"steps": 10})
    TaskRun.objects.filter(pk=run.pk).update(state="failed", cursor=6, done=6, total=10)
    again = carry(retry(run.pk, "ann"))
    assert (again.state, again.done, again.done_before, again.total) == ("succeeded", 10, 6, 10)
    TaskRun.objects.filter(pk=run.pk).update(cursor=None)
    run.refresh_from_db()
    anew = carry(enqueue("count-up", {"steps": 10}, retry_of=run))
    assert (anew.done, anew.done_before) == (10, 0)


def test_the_servers_word_holds_for_the_pause() -> None:
    run = carry(enqueue("stumble", {"retry_after": 90.0}))
    assert run.due_at is not None
    assert timedelta(seconds=80) < run.due_at - datetime.now(UTC) < timedelta(seconds=91)


@pytest.mark.parametrize("retry_after", [1e300, 10**400])
def test_an_absurd_word_of_the_server_holds_for_a_week_at_most(retry_after: float) -> None:
    run = enqueue("stumble")
    claim = take(run.pk, run.job_id or 0, "test 1")
    assert claim
    settle(Handle(claim, find("stumble"), Place("test 1").leaving), Busy("it is busy", retry_after))
    run.refresh_from_db()
    assert run.state == "waiting"
    assert run.due_at is not None
    assert run.due_at - datetime.now(UTC) <= timedelta(days=7)


def test_what_cannot_be_stored_is_a_failure_of_the_attempt() -> None:
    for outcome in (Wait("for ever", "infinite"), Counts(created=2**80)):  # type: ignore[arg-type]
        run = enqueue("stumble")
        claim = take(run.pk, run.job_id or 0, "test 1")
        assert claim
        settle(Handle(claim, find("stumble"), Place("test 1").leaving), outcome)
        run.refresh_from_db()
        assert (run.state, run.attempt) == ("waiting", 1)
        assert run.error.startswith(f"Undecided: what became of it, {type(outcome).__name__}, cannot be stored")


def test_waiting_is_no_attempt() -> None:
    run = carry(enqueue("linger", {"seconds": 60}))
    assert (run.state, run.attempt, run.why, run.error) == ("waiting", 0, "the budget is spent", "")
    assert carry(run).state == "succeeded"
    assert (run.attempt, run.unchanged) == (1, 1)


def test_waiting_until_a_moment_gone_by_is_for_a_second() -> None:
    run = enqueue("linger", {"seconds": -3600})
    began = datetime.now(UTC)
    carry(run)
    assert run.due_at is not None
    assert timedelta(seconds=0.9) < run.due_at - began < timedelta(seconds=10)


def test_the_time_limit() -> None:
    run = carry(enqueue("overrun"))
    assert (run.state, run.error) == ("failed", "TimedOut: it took longer than 200 ms")


def test_why_a_task_cannot_run_is_told_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    run = enqueue("count-up")
    words = f"it cannot be imported: no route to password={settings.SECRET_KEY}"
    monkeypatch.delitem(load().tasks, "count-up")
    load().broken.append(Broken("count-up", "somewhere.scheduled.count_up", words))
    carry(run)
    load().broken.pop()
    assert (run.state, run.why, run.error) == ("failed", *[words.replace(settings.SECRET_KEY, "***")] * 2)


def test_a_task_that_only_other_workers_have_is_left_to_them(line: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    run = enqueue("count-up")
    with monkeypatch.context() as elsewhere:
        elsewhere.delitem(load().tasks, "count-up")
        for _ in range(MOST - 1):
            carry(run)
            assert (run.state, run.attempt) == ("waiting", 0)
            assert run.why.startswith("there is no task 'count-up'")
            assert run.why.endswith("another worker may have it")
            assert jobs(line, run)[-1][:3] == (run.job_id, 10, "task:count-up")  # alone, as it may be
        assert carry(run).state == "failed"
        assert run.error.startswith("there is no task 'count-up'")
    run = enqueue("count-up")
    with monkeypatch.context() as elsewhere:
        elsewhere.delitem(load().tasks, "count-up")
        carry(run)
    assert (carry(run).state, run.attempt, run.stuck) == ("succeeded", 1, 0)


def test_a_run_is_cancelled_at_once_or_at_its_next_sign(line: Connection) -> None:
    waiting = cancel(enqueue("count-up").pk, "ann")
    assert (waiting.state, waiting.why) == ("cancelled", "cancelled by ann")
    assert jobs(line, waiting) == []
    running = enqueue("count-up", {"steps": 1000, "pause": 0.05})
    thread = Thread(target=carry_beside, args=(running,))
    thread.start()
    while TaskRun.objects.get(pk=running.pk).state == "queued":
        time.sleep(0.05)
    assert cancel(running.pk, "ann").state == "running"
    thread.join(10)
    running.refresh_from_db()
    assert (running.state, running.why) == ("cancelled", "cancelled by ann")
    for over in (waiting, running):
        with pytest.raises(TaskError, match="is over: it was cancelled"):
            cancel(over.pk, "ann")


def test_a_worker_that_leaves_gives_the_place_back() -> None:
    place = Place("test 1")
    place.leaving.set()
    run = carry(enqueue("count-up"), place)
    assert (run.state, run.attempt, run.why) == ("queued", 0, "its worker has left the line")
    assert carry(run).state == "succeeded"


def test_who_has_lost_a_run_writes_nothing() -> None:
    run = enqueue("count-up")
    claim = take(run.pk, run.job_id or 0, "test 1")
    assert claim
    zombie = Handle(claim, find("count-up"), Place("test 1").leaving)
    TaskRun.objects.filter(pk=run.pk).update(claim=claim.number + 1)
    with pytest.raises(Lost):
        zombie.save(99)
    give_up(zombie)
    run.refresh_from_db()
    assert (run.state, run.cursor) == ("running", None)


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("count-upp", {}, "did you mean count-up"),
        ("count-up", {"step": 1}, "has no parameter 'step'"),
        ("count-up", {"steps": "many"}, "steps='many'"),
        ("pieces", {"first": "yesterday"}, "is no day: it is written 2026-01-31"),
        ("pieces", {"first": "2026-02-01", "last": "2026-01-01"}, "is after the last"),
    ],
)
def test_what_cannot_be_run_is_refused(name: str, params: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        enqueue(name, params)
    assert TaskRun.objects.count() == 0
