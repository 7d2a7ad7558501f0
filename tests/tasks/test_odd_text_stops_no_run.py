"""What PostgreSQL cannot hold in a run's lines, words, errors and figures: it goes where its function says anyway."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from indexer.tasks.claims import take
from indexer.tasks.declaring import Counts, Retry, Run, Task, Wait, task
from indexer.tasks.handle import Beating, Handle
from indexer.tasks.models import Partition, TaskRun
from indexer.tasks.queueing import cancel, enqueue
from indexer.tasks.registry import find
from indexer.tasks.running import Place
from tests.processes import wait_until
from tests.tasks.test_a_run_goes_where_its_function_says import carry

ODD = "half an emoji: \ud83d, and \0"
PLAIN = "half an emoji: ?, and  "
ONCE = Retry(attempts=1)

Declared = Callable[[Task], None]


def list_two(first: date | None, last: date | None) -> list[str]:
    return ["a", "b"]


def test_its_lines_are_kept_and_its_beat_goes_on(declared: Declared) -> None:
    @task(retry=ONCE)
    def odd(run: Run) -> None:
        run.log.info(ODD)
        cancel(TaskRun.objects.get().pk, "ann")
        until = time.monotonic() + 15
        while time.monotonic() < until:
            run.progress(0)
            time.sleep(0.05)

    declared(odd)
    run = carry(enqueue("odd"))
    assert (run.state, run.why) == ("cancelled", "cancelled by ann")
    assert PLAIN in [line.text for line in run.lines.all()]


def test_its_error_is_kept(declared: Declared) -> None:
    @task(retry=ONCE)
    def odd(run: Run) -> None:
        raise ValueError(ODD)

    declared(odd)
    run = carry(enqueue("odd"))
    assert (run.state, run.error) == ("failed", f"ValueError: {PLAIN}")
    assert PLAIN in run.traceback


def test_its_reason_to_wait_is_kept(declared: Declared) -> None:
    @task()
    def odd(run: Run) -> None:
        raise Wait(ODD, datetime.now(UTC) + timedelta(hours=1))

    declared(odd)
    run = carry(enqueue("odd"))
    assert (run.state, run.why) == ("waiting", PLAIN)


def test_a_partition_takes_no_other_with_it(declared: Declared) -> None:
    @task(partitions=list_two, retry=ONCE)
    def odd(run: Run, key: str) -> Counts:
        if key == "a":
            raise ValueError(ODD)
        return Counts(created=1)

    declared(odd)
    run = carry(enqueue("odd"))
    assert run.error == "PartitionsFailed: 1 of 2 partitions failed"
    found = Partition.objects.order_by("key").values_list("state", "error")
    assert list(found) == [("failed", f"ValueError: {PLAIN}"), ("complete", "")]


@pytest.mark.usefixtures("line")
def test_a_beat_that_cannot_be_stored_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    run = enqueue("count-up")
    claim = take(run.pk, run.job_id or 0, "test 1")
    assert claim
    handle = Handle(claim, find("count-up"), Place("test 1").leaving)
    handle.done = "\ud83d"  # type: ignore[assignment]
    with Beating(handle):
        wait_until(lambda: "its sign of life was not stored" in caplog.text, 10)
        handle.done = 7
        wait_until(lambda: TaskRun.objects.get(pk=run.pk).done == 7, 10)


@pytest.mark.parametrize(("done", "total"), [(2**70, None), (1, 2**70), (-(2**70), 1)])
def test_a_progress_that_no_column_holds_is_the_functions_error(
    declared: Declared, done: int, total: int | None
) -> None:
    @task(retry=ONCE)
    def odd(run: Run) -> None:
        run.progress(done, total)

    declared(odd)
    run = carry(enqueue("odd"))
    assert (run.state, run.done, run.total) == ("failed", 0, None)
    assert "cannot be stored: it is a number of 64 bits" in run.error


def test_an_error_that_quotes_a_whole_answer_is_told_by_its_beginning(declared: Declared) -> None:
    @task(retry=ONCE)
    def odd(run: Run) -> None:
        raise ValueError("it said: " + "sheep " * 1_000_000)

    declared(odd)
    run = carry(enqueue("odd"))
    assert run.error.startswith("ValueError: it said: sheep sheep")
    assert run.error.endswith("… (6,000,021 characters)")
    assert len(run.error) < 2_100
