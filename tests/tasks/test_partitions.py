from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db.models import F
from django.db.models.functions import Now

from indexer.tasks.declaring import TaskError
from indexer.tasks.models import Partition, TaskRun
from indexer.tasks.queueing import cancel, enqueue
from indexer.tasks.statuses import PartitionStatus, read_partitions
from indexer.tasks.steering import resume_failed
from tests.tasks.test_a_run_goes_where_its_function_says import carry

pytestmark = pytest.mark.usefixtures("line")


def grid() -> list[PartitionStatus]:
    return read_partitions("pieces", limit=100)


def states() -> list[str]:
    return [each.state for each in grid()]


def test_what_failed_is_resumed_and_what_is_complete_is_not_done_again(tmp_path: Path) -> None:
    file = tmp_path / "diary"
    run = carry(enqueue("pieces", {"broken": "piece-1 piece-3", "file": str(file)}))
    assert (run.state, run.error) == ("failed", "PartitionsFailed: 2 of 5 partitions failed")
    assert (run.created, run.done, run.total) == (30, 5, 5)
    assert states() == ["complete", "failed", "complete", "failed", "complete"]
    assert grid()[1].error == "ValueError: piece-1 is broken"
    again = carry(enqueue("pieces", {"file": str(file)}, retry_of=run))
    assert (again.state, again.created, again.done, again.done_before) == ("succeeded", 20, 5, 3)
    assert states() == ["complete"] * 5
    assert sorted(file.read_text().split()) == [f"piece-{number}" for number in range(5)]


def test_what_is_resumed_is_the_run_that_left_it() -> None:
    left = carry(enqueue("pieces", {"broken": "piece-3"}))
    carry(enqueue("pieces", {"count": 1}))
    again = resume_failed("pieces", "ann")
    assert (again.retry_of, again.params) == (left, left.params)
    cancel(again.pk, "ann")
    newest = enqueue("pieces", {"count": 2})
    with pytest.raises(TaskError, match=f"run {newest.pk} of pieces is queued"):
        resume_failed("pieces", "ann")
    cancel(newest.pk, "ann")
    assert resume_failed("pieces", "ann").retry_of == left
    TaskRun.objects.all().delete()  # as prune-runs forgets them
    assert resume_failed("pieces", "ann").params == {}


def test_where_nothing_has_failed_what_is_resumed_is_all_that_there_is() -> None:
    carry(enqueue("pieces", {"count": 1}))
    again = resume_failed("pieces", "ann")
    assert (again.retry_of, again.params) == (None, {})
    cancel(again.pk, "ann")
    assert resume_failed("pieces", "ann").retry_of == again


def test_days_that_are_not_covered_are_stale_and_done_again() -> None:
    carry(enqueue("pieces", {"first": "2026-11-01", "count": 2}))
    run = carry(enqueue("pieces", {"count": 2, "broken": "piece-1"}))
    assert (run.state, run.created) == ("failed", 10)
    assert states() == ["complete", "failed"]


def test_every_sunday_does_everything_again(tmp_path: Path) -> None:
    file = tmp_path / "diary"
    carry(enqueue("pieces", {"count": 2, "file": str(file)}))
    # Sooner than the age that is promised, as a weekly run with a promise of eight days is.
    half_an_hour = timedelta(minutes=30)
    TaskRun.objects.update(queued_at=F("queued_at") - half_an_hour, finished_at=F("finished_at") - half_an_hour)
    Partition.objects.update(finished_at=F("finished_at") - half_an_hour)
    run = carry(enqueue("pieces", {"count": 2, "file": str(file)}))
    assert (run.state, run.created) == ("succeeded", 20)
    assert file.read_text().split() == ["piece-0", "piece-1"] * 2


def test_days_that_have_an_end_are_done_once() -> None:
    days = {"first": "2026-01-01", "last": "2026-01-31", "count": 2}
    carry(enqueue("pieces", days))
    Partition.objects.update(finished_at=F("finished_at") - timedelta(days=90))
    run = carry(enqueue("pieces", {**days, "first": "2026-01-15"}))
    assert (run.state, run.created, run.done) == ("succeeded", 0, 2)


def test_days_that_had_not_come_are_done_once_they_have() -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    days = {"last": tomorrow.isoformat(), "count": 2}
    carry(enqueue("pieces", days))
    assert carry(enqueue("pieces", days)).created == 20
    Partition.objects.update(finished_at=F("finished_at") - timedelta(days=9), last=tomorrow)
    assert carry(enqueue("pieces", {"last": (tomorrow - timedelta(days=3)).isoformat(), "count": 2})).created == 20


def test_what_is_listed_no_more_is_retired_by_a_run_that_lists_everything() -> None:
    for key, state in (("gone-1", "failed"), ("gone-2", "complete"), ("gone-3", "stale")):
        Partition.objects.create(task="pieces", key=key, state=state)
    carry(enqueue("pieces", {"count": 1}))
    assert [each.key for each in grid()] == ["gone-1", "gone-2", "gone-3", "piece-0"]
    carry(enqueue("pieces", {"broken": "piece-0"}))
    assert [each.key for each in grid()] == ["gone-2", *(f"piece-{number}" for number in range(5))]
    assert states()[:3] == ["complete", "failed", "complete"]


def test_an_outage_fails_few_of_them_and_the_next_attempt_begins_with_the_others(tmp_path: Path) -> None:
    file = tmp_path / "diary"
    broken = " ".join(f"piece-{number}" for number in range(1, 7))
    run = carry(enqueue("pieces", {"count": 9, "broken": broken, "file": str(file)}))
    assert run.state == "failed"
    assert run.error == (
        "PartitionsFailed: 5 partitions in a row failed, so that the others are left for later: "
        "ValueError: piece-5 is broken"
    )
    assert states() == ["complete", *["failed"] * 5, *["missing"] * 3]
    again = enqueue("pieces", {"count": 9, "file": str(file)}, retry_of=run)
    assert carry(again).state == "succeeded"
    assert file.read_text().split() == [f"piece-{number}" for number in (0, 6, 7, 8, 1, 2, 3, 4, 5)]


def test_what_is_refused_is_told_and_asked_for_again_by_the_next_run_alone(tmp_path: Path) -> None:
    file = tmp_path / "diary"
    unknown = " ".join(f"piece-{number}" for number in range(1, 7))
    run = carry(enqueue("pieces", {"count": 14, "unknown": unknown, "leaves": "piece-13", "file": str(file)}))
    # Six in a row do not stop the others.
    assert (run.state, run.done) == ("waiting", 13)
    assert (grid()[2].state, grid()[2].error) == ("complete", "")
    (refused,) = (each for each in grid() if each.key == "piece-1")
    assert (refused.state, refused.error, refused.finished_at) == ("refused", "piece-1 is unknown", None)
    TaskRun.objects.filter(pk=run.pk).update(params={**run.params, "leaves": ""})
    run = carry(run)
    assert (run.state, run.done, run.created) == ("succeeded", 14, 80)
    assert set(Partition.objects.filter(state="refused").values_list("attempts", flat=True)) == {1}
    assert "partition piece-1 is refused: piece-1 is unknown" in run.lines.values_list("text", flat=True)
    again = carry(enqueue("pieces", {"count": 14, "unknown": "piece-2", "file": str(file)}))
    assert (again.state, again.created) == ("succeeded", 130)
    assert {each.key: each.state for each in grid()} == {
        f"piece-{number}": "refused" if number == 2 else "complete" for number in range(14)
    }
    # They come last, as what has failed does.
    assert file.read_text().split()[-5:] == [f"piece-{number}" for number in (1, 3, 4, 5, 6)]


@pytest.mark.parametrize(
    ("count", "error"),
    [
        (3, "3 of 3 partitions were refused"),
        (30, "25 partitions in a row were refused, so that the others are left for later: piece-24 is unknown"),
    ],
)
def test_a_source_that_refuses_nearly_all_has_failed(count: int, error: str) -> None:
    unknown = " ".join(f"piece-{number}" for number in range(count))
    run = carry(enqueue("pieces", {"count": count, "unknown": unknown}))
    assert (run.state, run.error) == ("failed", f"PartitionsFailed: {error}")


def test_a_source_that_says_when_is_left_alone_until_then() -> None:
    run = carry(enqueue("pieces", {"count": 4, "busy": "piece-1"}))
    assert (run.state, run.why, run.attempt) == ("waiting", "piece-1 is busy", 0)
    assert run.due_at is not None
    assert timedelta(seconds=50) < run.due_at - datetime.now(UTC) < timedelta(seconds=61)
    assert states() == ["complete", "failed", "missing", "missing"]
    assert (carry(run).state, run.attempt) == ("waiting", 0)  # it gets on, with all others
    assert states() == ["complete", "failed", "complete", "complete"]
    assert (carry(run).state, run.error) == ("failed", "Busy: piece-1 is busy")


def test_one_that_a_run_left_halfway_is_as_it_was_before() -> None:
    Partition.objects.create(task="pieces", key="piece-0", state="stale", finished_at="2026-01-01T00:00:00Z")
    run = carry(enqueue("pieces", {"count": 2, "leaves": "piece-0"}))
    assert (run.state, states()) == ("waiting", ["stale", "missing"])
    cancel(run.pk, "ann")
    run = carry(enqueue("pieces", {"count": 2, "leaves": "piece-1"}))
    assert (run.state, states()) == ("waiting", ["complete", "missing"])


def test_one_that_another_run_is_at_is_left_to_it() -> None:
    other = enqueue("pieces")
    Partition.objects.create(task="pieces", key="piece-0", state="running", run=other)
    run = carry(enqueue("pieces", {"count": 2}))
    assert (run.state, states()) == ("succeeded", ["running", "complete"])
    type(other).objects.filter(pk=other.pk).update(state="failed", finished_at=Now())
    carry(enqueue("pieces", {"count": 2}))
    assert states() == ["complete", "complete"]
