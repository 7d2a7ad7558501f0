"""Every state that a background worker says it is in, by real processes: how it comes there and gets out again."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from indexer.workers.live_changes import set_value
from indexer.workers.stacks import stack_file
from tests.metrics import scrape, value
from tests.positions.test_a_worker_loads_what_it_needs import OF_OTHERS
from tests.processes import wait_until
from tests.workers.background_process import BackgroundProcess, clear_workers
from tests.workers.samples.background import flaky, lagging, leaky, steady, stuck, thrifty

SOON = 5.0
"""Seconds within which a live setting has its effect."""


@pytest.fixture(autouse=True)
def clean(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        clear_workers()
        yield
        clear_workers()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


def change(name: str, given: bool | int | float, why: str = "a test") -> None:
    set_value(name, given, actor="anna", why=why)


def test_a_worker_starts_works_and_leaves(log: Path) -> None:
    with BackgroundProcess("steady", "--metrics-port", "0", log=log) as worker:
        row = worker.wait_for_state("healthy")
        assert (row["kind"], row["pid"]) == ("steady", worker.process.pid)
        wait_until(lambda: worker.row()["runs"] >= 12, what=lambda: str(worker.row()))
        row = worker.row()
        assert (row["failures"], row["error_rate"], row["items"]) == (0, 0, 3 * row["runs"])
        assert row["memory"] > 20_000_000
        assert row["latency"] < 0.1
        # 3 items in each run of 0.2 s, of which the first comes at once.
        assert 100 < row["items_per_minute"] < 1200
        worker.wait_until_it_says("metrics are served on ")
        samples = scrape(worker.said.partition("metrics are served on ")[2].split()[0])
        labels = {"worker": "steady", "kind": "steady"}
        assert (value(samples, "footprint_worker_process_items_total", **labels) or 0) >= row["items"]
        assert value(samples, "footprint_worker_process_failures_total", **labels) == 0
        assert value(samples, "footprint_worker_process_said", state="healthy", **labels) == 1
        assert value(samples, "footprint_worker_process_said", state="starting", **labels) == 0
        assert worker.terminate() == 0
    assert [state for state, _ in worker.states()] == ["starting", "healthy", "stopped"]
    assert worker.row()["said"] == "stopped"
    assert any("a run of 0 s begins" in line for line in worker.lines())
    assert worker.lines()[-1] == "steady: the worker has left in good order"


def test_told_to_stop_it_finishes_the_run_in_hand(log: Path) -> None:
    change("steady.takes", 1.5)
    with BackgroundProcess("steady", log=log) as worker:
        worker.wait_until_it_says("a run of 1.5 s begins")
        assert worker.terminate() == 0
    assert worker.said.count("a run of 1.5 s begins") == worker.said.count("a run of 1.5 s is done") == 1
    assert worker.row()["runs"] == 1


def test_told_twice_it_leaves_at_once(log: Path) -> None:
    change("steady.takes", 60)
    with BackgroundProcess("steady", log=log) as worker:
        worker.wait_until_it_says("a run of 60 s begins")
        worker.process.send_signal(signal.SIGTERM)
        worker.wait_until_it_says("finishing the run in hand")
        assert worker.terminate(SOON) == 128 + signal.SIGTERM


def test_a_flag_that_is_off_lets_it_rest_and_says_who_when_and_why(log: Path) -> None:
    with BackgroundProcess("steady", log=log) as worker:
        worker.wait_for_state("healthy")
        began = time.monotonic()
        change("worker.steady", False, why="the source is being moved")
        row = worker.wait_for_state("stopped by flag", SOON)
        assert time.monotonic() - began < SOON
        assert row["why"].startswith("its flag was switched off by anna at 20")
        assert row["why"].endswith(" UTC: the source is being moved")
        runs = row["runs"]
        time.sleep(2.5)
        assert worker.row()["runs"] == runs
        # Its heart goes on.
        assert worker.row()["silence"].total_seconds() < SOON
        change("worker.steady", True)
        assert worker.wait_for_state("healthy", SOON)["pid"] == row["pid"]
        change("worker.steady", False)
        worker.wait_for_state("stopped by flag", SOON)
        assert worker.terminate(SOON) == 0
    states = [state for state, _ in worker.states()]
    assert states == ["starting", "healthy", "stopped by flag", "starting", "healthy", "stopped by flag", "stopped"]


def test_a_flag_that_is_off_at_the_start_keeps_it_from_what_it_needs(log: Path) -> None:
    change("worker.needy", False)
    with BackgroundProcess("needy", log=log) as worker:
        worker.wait_for_state("stopped by flag")
        change("worker.needy", True)
        assert worker.process.wait(SOON) == 78


def test_maintenance_lets_all_rest(log: Path) -> None:
    with BackgroundProcess("lagging", log=log) as worker:
        worker.wait_for_state("healthy")
        change("maintenance", True, why="new disks")
        row = worker.wait_for_state("stopped by flag", SOON)
        assert row["why"].startswith("maintenance was switched on by anna at ")
        assert row["why"].endswith(": new disks")
        change("maintenance", False)
        worker.wait_for_state("healthy", SOON)


def test_the_pause_between_runs_follows_its_live_setting(log: Path) -> None:
    change(steady.EVERY.name, 3600)
    with BackgroundProcess("steady", log=log) as worker:
        assert worker.wait_for_state("healthy")["runs"] == 1
        change(steady.EVERY.name, 0.2)
        wait_until(lambda: worker.row()["runs"] > 3, SOON)


def test_a_long_pause_is_no_standstill(log: Path) -> None:
    change(steady.EVERY.name, 3600)
    with BackgroundProcess("steady", log=log) as worker:
        first = worker.wait_for_state("healthy")["progress_at"]
        wait_until(lambda: (worker.row()["progress_at"] - first).total_seconds() > 2, SOON)
        assert worker.row()["runs"] == 1


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, "SAMPLE_KEY and SAMPLE_SECRET must be set"),
        ({"SAMPLE_KEY": "k-123456", "SAMPLE_SECRET": " "}, "SAMPLE_SECRET must be set"),
    ],
)
def test_what_is_missing_is_named_all_at_once(log: Path, environ: dict[str, str], missing: str) -> None:
    with BackgroundProcess("needy", log=log, environ=environ) as worker:
        assert worker.process.wait(60) == 78
    row = worker.row()
    assert (row["said"], row["runs"]) == ("misconfigured", 0)
    assert row["why"] == f"{missing} in the environment"
    assert missing in worker.said
    assert "Traceback" not in worker.said
    with BackgroundProcess("needy", log=log, environ={"SAMPLE_KEY": "x1234", "SAMPLE_SECRET": "y1234"}) as worker:
        worker.wait_for_state("healthy")


def test_a_name_that_nobody_has_is_refused(log: Path) -> None:
    with BackgroundProcess("stedy", log=log) as worker:
        assert worker.process.wait(60) == 78
    assert worker.said.strip().endswith("there is no background worker 'stedy'; did you mean steady or needy?")


@pytest.mark.slow
def test_errors_are_counted_and_followed_by_longer_pauses(log: Path) -> None:
    change(flaky.SHARE.name, 1.0)
    with BackgroundProcess("flaky", log=log) as worker:
        row = worker.wait_for_state("healthy", why="its last run failed: ValueError: the source answered with nonsense")
        wait_until(lambda: worker.row()["failures"] >= 3, 20)
        row = worker.row()
        assert row["error_rate"] == 1
        # At 0, 1 and 2 s, for `every` is shorter than a second.
        assert worker.said.count("Traceback") == row["failures"] < 8
        assert any("ValueError: the source answered with nonsense" in line for line in worker.lines())
        change(flaky.SHARE.name, 0.0)
        wait_until(lambda: worker.row()["error_rate"] < 0.5, 20)
        assert worker.wait_for_state("healthy")["why"] == ""
        assert worker.terminate() == 0


def test_a_spent_budget_parks_it_until_there_is_one_again(log: Path) -> None:
    with BackgroundProcess("thrifty", log=log) as worker:
        worker.wait_for_state("healthy")
        change(thrifty.SPENT.name, True)
        row = worker.wait_for_state("out of budget", SOON, why="100 of 100 requests of this day are used up; until 20")
        assert row["why"].endswith(" 00:00:00 UTC")
        assert row["failures"] == 0
        change(thrifty.SPENT.name, False)
        worker.wait_for_state("healthy", SOON)
        change(thrifty.SPENT.name, True)
        worker.wait_for_state("out of budget", SOON)
        # Whatever it waits for, its flag and a stop come first.
        change("worker.thrifty", False)
        worker.wait_for_state("stopped by flag", SOON)
        change("worker.thrifty", True)
        worker.wait_for_state("out of budget", SOON)
        assert worker.terminate(SOON) == 0


@pytest.mark.slow
def test_lag_and_memory_are_told(log: Path, tmp_path: Path) -> None:
    change(lagging.BEHIND.name, 700.0)
    with BackgroundProcess("lagging", log=log) as worker:
        worker.wait_for_state("healthy")
        wait_until(lambda: worker.row()["lag"] == 700 and worker.row()["items"] > 3, SOON)
        assert worker.row()["runs"] == worker.row()["items"]
    with BackgroundProcess("leaky", log=tmp_path / "leaky.log") as worker:
        before = worker.wait_for_state("healthy")["memory"]
        change(leaky.GROWTH.name, 50)
        wait_until(lambda: worker.row()["memory"] > before + 200_000_000, 10, lambda: str(worker.row()))
        change(leaky.GROWTH.name, 0)
        wait_until(lambda: worker.row()["memory"] < before + 100_000_000, SOON, lambda: str(worker.row()))


@pytest.mark.slow
def test_one_that_stands_still_shows_no_progress_and_says_where_it_stands(log: Path) -> None:
    with BackgroundProcess("stuck", log=log) as worker:
        assert worker.wait_for_state("healthy")["hung_after"] == 5
        change(stuck.STANDS_STILL.name, True)
        wait_until(lambda: (worker.row()["beat_at"] - worker.row()["progress_at"]).total_seconds() > 3, 15)
        assert worker.row()["said"] == "healthy"
        file = stack_file(worker.stacks, "stuck", worker.process.pid)
        worker.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: "wait_for_ever" in file.read_text(), SOON)
        assert "heart.py" in file.read_text()
    # It was killed; the next one of its name clears up.
    change(stuck.STANDS_STILL.name, False)
    with BackgroundProcess("stuck", log=log) as worker:
        worker.wait_for_state("healthy")
        assert not file.exists()
        assert worker.terminate() == 0
    assert list(worker.stacks.iterdir()) == []


def test_it_loads_no_pages(log: Path) -> None:
    with BackgroundProcess("steady", log=log, environ={"PYTHONPROFILEIMPORTTIME": "1"}) as worker:
        worker.wait_for_state("healthy")
        assert worker.terminate() == 0
    loaded = {line.rpartition("|")[2].strip() for line in worker.said.splitlines() if line.startswith("import time:")}
    assert {"indexer.workers.runtime", "indexer.workers.heart"} <= loaded
    assert loaded & OF_OTHERS == set()


def test_its_name_is_that_of_its_program(log: Path) -> None:
    with BackgroundProcess("steady", log=log, environ={"SUPERVISOR_PROCESS_NAME": "steady-2"}) as worker:
        worker.name = "steady-2"
        assert worker.wait_for_state("healthy")["kind"] == "steady"
