from pathlib import Path

import pytest
from django.db.models.functions import Now

from indexer.tasks.models import Partition
from indexer.tasks.partitions import grid
from indexer.tasks.queueing import cancel, enqueue
from tests.tasks.test_a_run_goes_where_its_function_says import carry

pytestmark = pytest.mark.usefixtures("line")


def states() -> list[str]:
    return [each.state for each in grid("pieces")]


def test_what_failed_is_resumed_and_what_is_complete_is_not_done_again(tmp_path: Path) -> None:
    file = tmp_path / "diary"
    run = carry(enqueue("pieces", {"broken": "piece-1 piece-3", "file": str(file)}))
    assert (run.state, run.error) == ("failed", "PartitionsFailed: 2 of 5 partitions failed")
    assert (run.created, run.done, run.total) == (30, 5, 5)
    assert states() == ["complete", "failed", "complete", "failed", "complete"]
    assert grid("pieces")[1].error == "ValueError: piece-1 is broken"
    again = carry(enqueue("pieces", {"file": str(file)}))
    assert (again.state, again.created, again.done) == ("succeeded", 20, 5)
    assert states() == ["complete"] * 5
    assert sorted(file.read_text().split()) == [f"piece-{number}" for number in range(5)]


def test_days_that_are_not_covered_are_stale_and_done_again() -> None:
    carry(enqueue("pieces", {"first": "2026-11-01", "count": 2}))
    run = carry(enqueue("pieces", {"count": 2, "broken": "piece-1"}))
    assert (run.state, run.created) == ("failed", 10)
    assert states() == ["complete", "failed"]


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
