"""Real workers, as processes: what they do together, and what becomes of the runs of those that vanish."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from indexer.chains.connections import Connection
from indexer.tasks.declaring import Priority
from indexer.tasks.models import Schedule, TaskRun
from indexer.tasks.queueing import cancel, enqueue
from tests.processes import wait_until
from tests.tasks.worker import wait_for, working

FAKE_TIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))

pytestmark = pytest.mark.usefixtures("line")


def notes(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def test_a_worker_does_what_is_in_the_line_and_leaves(tmp_path: Path, line: Connection) -> None:
    slow = enqueue("count-up", {"steps": 1000, "pause": 0.05})
    with working(tmp_path) as (worker,):
        failing = enqueue("stumble", {"times": 1})
        wait_for(failing, "succeeded")
        assert failing.attempt == 2
        wait_for(slow, "running")
        wait_until(lambda: TaskRun.objects.get(pk=slow.pk).done > 0, 10)
        assert worker.terminate(20) == 0
    slow.refresh_from_db()
    assert (slow.state, slow.attempt, slow.why) == ("queued", 0, "its worker has left the line")
    assert (slow.cursor or 0) > 0
    assert line.execute("SELECT status FROM procrastinate_jobs").fetchall() == [("todo",)]


def test_the_higher_priority_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "order"
    wanted = [Priority.LOW, Priority.HIGH, Priority.MEDIUM, Priority.IMMEDIATE, Priority.HIGH]
    runs = [enqueue("ask", {"times": 0, "file": str(file)}, priority=each) for each in wanted]
    with working(tmp_path, environ={"MAX_CONCURRENT_JOBS": "1"}):
        for run in runs:
            wait_for(run, "succeeded")
    begun = sorted(runs, key=lambda run: run.started_at or run.queued_at)
    assert [runs.index(run) for run in begun] == [3, 1, 4, 2, 0]


@pytest.mark.slow
def test_the_run_of_a_killed_worker_is_taken_over_from_its_cursor(tmp_path: Path) -> None:
    file = tmp_path / "diary"
    run = enqueue("count-up", {"steps": 60, "pause": 0.1, "file": str(file)})
    with working(tmp_path, environ={"MAX_CONCURRENT_JOBS": "1"}) as (first,):
        wait_until(lambda: "step 5" in notes(file), 30)
        first.process.kill()
        killed = time.monotonic()
        first.process.wait()
        (tmp_path / "other").mkdir()
        with working(tmp_path / "other"):
            wait_until(lambda: sum(each.startswith("begin") for each in notes(file)) == 2, 30)
            assert time.monotonic() - killed < 30
            wait_for(run, "succeeded")
    assert (run.attempt, run.takeovers, run.stuck) == (1, 1, 0)
    counted = Counter(each for each in notes(file) if each.startswith("step"))
    assert set(counted) == {f"step {number}" for number in range(60)}
    assert sum(counted.values()) <= 61  # the step in hand, whose note had not been stored yet


@pytest.mark.slow
def test_a_zombie_finds_its_run_taken(tmp_path: Path) -> None:
    file = tmp_path / "diary"
    run = enqueue("count-up", {"steps": 40, "pause": 0.2, "file": str(file)})
    with working(tmp_path) as (first,):
        wait_until(lambda: "step 2" in notes(file), 30)
        first.process.send_signal(signal.SIGSTOP)
        (tmp_path / "other").mkdir()
        with working(tmp_path / "other"):
            wait_until(lambda: sum(each.startswith("begin") for each in notes(file)) == 2, 30)
            first.process.send_signal(signal.SIGCONT)
            first.wait_until_it_says("another worker has taken it over")
            wait_for(run, "succeeded")
        time.sleep(1)  # until the first has left the line, which has its run no more
        assert "Traceback" not in first.said
    counted = Counter(each for each in notes(file) if each.startswith("step"))
    assert sum(counted.values()) <= 41
    assert notes(file).count("end") == 1


@pytest.mark.slow
def test_two_schedulers_and_four_workers_do_each_run_once(tmp_path: Path, line: Connection) -> None:
    file = tmp_path / "diary"
    Schedule.objects.create(
        name="often", task="count-up", every=2, params={"steps": 2, "file": str(tmp_path / "often")}
    )
    runs = [enqueue("ask", {"times": 1, "file": str(file)}) for _ in range(60)]
    most = 0
    with working(tmp_path, 4, {"API_RATE_LIMIT_MS": "20"}):
        deadline = time.monotonic() + 60
        while TaskRun.objects.filter(task="ask", state="succeeded").count() < len(runs):
            assert time.monotonic() < deadline
            row = line.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'").fetchone()
            most = max(most, row[0] if row else 0)
            time.sleep(0.02)
        wait_until(lambda: TaskRun.objects.filter(schedule__name="often", state="succeeded").count() >= 3, 30)
        Schedule.objects.filter(name="often").update(paused=True)
        wait_until(lambda: not TaskRun.objects.filter(state__in=["queued", "running"]).exists(), 30)
    assert len(notes(file)) == 60
    assert most <= 3
    of_schedule = TaskRun.objects.filter(schedule__name="often").count()
    assert notes(tmp_path / "often").count("end") == of_schedule
    assert not TaskRun.objects.exclude(attempt=1).exists()


@pytest.mark.slow
def test_the_rate_of_all_processes_together(tmp_path: Path) -> None:
    file = tmp_path / "asked"
    for _ in range(3):
        enqueue("ask", {"times": 60, "file": str(file)})
    with working(tmp_path, 3):
        wait_until(lambda: len(notes(file)) == 180, 40)
    asked = sorted(float(each) for each in notes(file))
    rate = (len(asked) - 1) / (asked[-1] - asked[0])
    assert rate == pytest.approx(20, rel=0.05)


@pytest.mark.slow
def test_runs_outlive_an_outage_of_their_connections(tmp_path: Path, line: Connection) -> None:
    run = enqueue("count-up", {"steps": 100, "pause": 0.1})
    with working(tmp_path):
        wait_until(lambda: TaskRun.objects.get(pk=run.pk).cursor is not None, 20)
        line.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database() AND application_name IN"
            " ('footprint run_worker tasks', 'footprint beat of a run')"
        )
        wait_for(run, "succeeded", 60)
        after = enqueue("count-up")
        wait_for(after, "succeeded")
    assert run.done == 100


@pytest.mark.slow
@pytest.mark.skipif(not FAKE_TIME, reason="libfaketime is not installed: apt install libfaketime")
def test_a_clock_that_is_ahead_delays_no_attempt(tmp_path: Path, line: Connection) -> None:
    ahead = {"LD_PRELOAD": str(FAKE_TIME[0]), "FAKETIME": "+600s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    runs = [enqueue("stumble", {"retry_after": 60.0}), enqueue("pieces", {"count": 2, "busy": "piece-1"})]
    with working(tmp_path, environ=ahead):
        for run in runs:
            wait_for(run, "waiting")
            row = line.execute("SELECT extract(epoch FROM due_at - now()) FROM task_runs WHERE id = %s", [run.pk])
            assert 40 < row.fetchall()[0][0] <= 60


@pytest.mark.slow
def test_a_cancelled_run_of_a_worker_ends(tmp_path: Path) -> None:
    run = enqueue("count-up", {"steps": 1000, "pause": 0.05})
    with working(tmp_path):
        wait_for(run, "running")
        cancel(run.pk, "ann")
        wait_for(run, "cancelled", 5)


@pytest.mark.slow
def test_a_run_that_heeds_nothing_takes_its_process_with_it(tmp_path: Path) -> None:
    run = enqueue("overrun", {"seconds": 120, "heeds": False})
    with working(tmp_path) as (worker,):
        assert worker.process.wait(90) == os.EX_SOFTWARE
    wait_for(run, "failed", 1)
    assert "and did not heed that" in run.error
