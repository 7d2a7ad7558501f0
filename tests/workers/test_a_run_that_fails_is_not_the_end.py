"""Errors of a run: what comes after them and when, in the runtime itself, without a process of its own."""

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from indexer.workers.background import BackgroundWorker, Misconfigured, Work
from indexer.workers.live import LiveSetting
from indexer.workers.registry import Found
from indexer.workers.runtime import FIRST_PAUSE, Runtime


@pytest.fixture
def runtime(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Runtime]:
    """Its heart does not beat, so nobody tells it anything."""
    runtime = Runtime(Found("probe", __name__), "probe")
    with django_db_blocker.unblock():
        yield runtime
    runtime.heart.close()


def worker_every(seconds: float | LiveSetting | None) -> type[BackgroundWorker]:
    return type("Probe", (BackgroundWorker,), {"every": seconds, "run": lambda self, work: None})


@pytest.mark.parametrize(
    ("every", "failures", "seconds"),
    [
        # no error: as often as it is to run, and a loop that ended by itself begins again soon
        (300.0, 0, 300),
        (0.1, 0, 0.1),
        (None, 0, FIRST_PAUSE),
        (LiveSetting("probe.every", 7.0, "of a test"), 0, 7),
        # twice as long each time, up to a minute
        (300.0, 1, 1),
        (300.0, 2, 2),
        (300.0, 4, 8),
        (300.0, 7, 60),
        (300.0, 100_000, 60),
        (None, 7, 60),
        # but no longer than the worker pauses anyway, and never less than a second
        (10.0, 7, 10),
        (0.1, 7, 1),
        (LiveSetting("probe.every", 7.0, "of a test"), 7, 7),
    ],
)
def test_the_pause_after_a_run(
    runtime: Runtime, every: float | LiveSetting | None, failures: int, seconds: float
) -> None:
    runtime.failures_in_a_row = failures
    assert runtime.seconds_between(worker_every(every), failed=failures > 0) == seconds


class Ending(BackgroundWorker):
    """Does what the test says, and tells the runtime to leave."""

    runtime: Runtime
    outcome: BaseException | None = None

    def run(self, work: Work) -> None:
        self.runtime.leave()
        if self.outcome is not None:
            raise self.outcome


@pytest.mark.parametrize("outcome", [ValueError("nonsense"), SystemExit(3)])
def test_whatever_a_run_raises_is_counted(runtime: Runtime, outcome: BaseException) -> None:
    runtime.work_on(type("Failing", (Ending,), {"runtime": runtime, "outcome": outcome, "every": 1.0}))
    assert (runtime.heart.runs.runs, runtime.heart.runs.failures, runtime.failures_in_a_row) == (1, 1, 1)
    assert runtime.heart.said.why == f"its last run failed: {type(outcome).__name__}: {outcome}"


def test_what_only_a_person_mends_ends_the_worker(runtime: Runtime) -> None:
    outcome = Misconfigured("the key is refused")
    with pytest.raises(Misconfigured):
        runtime.work_on(type("Refused", (Ending,), {"runtime": runtime, "outcome": outcome, "every": 1.0}))
    assert runtime.heart.runs.failures == 0


def test_a_loop_that_got_on_fails_for_the_first_time_again(runtime: Runtime) -> None:
    class Loop(BackgroundWorker):
        def run(self, work: Work) -> None:
            work.beat(2)
            runtime.leave()
            raise ValueError("nonsense")

    runtime.failures_in_a_row = 9
    runtime.work_on(Loop)
    assert runtime.failures_in_a_row == 1
    # The beat was a run that went well, and the error one that failed.
    assert (runtime.heart.runs.runs, runtime.heart.runs.failures, runtime.heart.runs.items) == (2, 1, 2)


def test_a_worker_is_made_anew_after_an_error(runtime: Runtime) -> None:
    made = []

    class Counted(BackgroundWorker):
        every = 0.0

        def __init__(self) -> None:
            made.append(self)
            self.runs = 0

        def run(self, work: Work) -> None:
            self.runs += 1
            if self.runs == 3:
                runtime.leave()
                raise ValueError("nonsense")

    runtime.work_on(Counted)
    assert [each.runs for each in made] == [3]
    runtime.leaving.clear()
    runtime.work_on(Counted)
    assert [each.runs for each in made] == [3, 3]
