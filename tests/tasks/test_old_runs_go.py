from datetime import UTC, datetime, timedelta

import pytest

from indexer.chains.connections import Connection
from indexer.tasks.live import KEEP_DAYS, KEEP_JOB_HOURS
from indexer.tasks.models import TaskLine, TaskRun
from indexer.tasks.queueing import enqueue
from indexer.workers.live import LiveError, Value
from indexer.workers.live_changes import set_value
from tests.tasks.test_a_run_goes_where_its_function_says import carry


def test_old_runs_go_but_for_the_newest_success(line: Connection) -> None:
    old, newest = (carry(enqueue("count-up")) for _ in range(2))
    kept = carry(enqueue("stumble", {"times": 0}))
    TaskRun.objects.filter(pk__in=[old.pk, newest.pk]).update(finished_at=datetime(2020, 1, 1, tzinfo=UTC))
    pruned = carry(enqueue("prune-runs"))
    assert (pruned.state, pruned.vanished) == ("succeeded", 1)
    assert set(TaskRun.objects.values_list("pk", flat=True)) == {newest.pk, kept.pk, pruned.pk}
    assert not TaskLine.objects.filter(run=old.pk).exists()


def finish_days_ago(days: float) -> TaskRun:
    run = carry(enqueue("stumble", {"times": 0}))
    TaskRun.objects.filter(pk=run.pk).update(finished_at=datetime.now(UTC) - timedelta(days=days))
    return run


def finish_job(line: Connection, hours: float) -> int:
    """A job that has succeeded so many hours ago, and was left in the line's tables."""
    job = enqueue("count-up").job_id or 0
    line.execute("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = %s", [job])
    moved = "UPDATE procrastinate_events SET at = now() - make_interval(secs => %s) WHERE job_id = %s"
    line.execute(moved, [hours * 3600, job])
    return job


def test_how_long_they_are_kept_is_a_live_setting(line: Connection) -> None:
    old, young, newest = finish_days_ago(91), finish_days_ago(8), finish_days_ago(0)
    jobs = [finish_job(line, hours) for hours in (30, 3)]
    left = "SELECT id FROM procrastinate_jobs WHERE id = ANY(%s)"
    assert carry(enqueue("prune-runs")).vanished == 1
    assert not TaskRun.objects.filter(pk=old.pk).exists()
    assert line.execute(left, [jobs]).fetchall() == [(jobs[1],)]
    set_value(KEEP_DAYS.name, 7, actor="test", why="")
    set_value(KEEP_JOB_HOURS.name, 2, actor="test", why="")
    assert carry(enqueue("prune-runs")).vanished == 1
    assert set(TaskRun.objects.filter(task="stumble").values_list("pk", flat=True)) == {newest.pk}
    assert not TaskRun.objects.filter(pk=young.pk).exists()
    assert not line.execute(left, [jobs]).fetchall()


@pytest.mark.usefixtures("line")
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("tasks.keep_days", 0, r"cannot be 0: it is a whole number from 1 to 36500 \(days\)"),
        ("tasks.keep_days", "long", r"cannot be 'long': it is a whole number from 1 to 36500 \(days\)"),
        ("tasks.keep_job_hours", 8761, r"cannot be 8761: it is a whole number from 1 to 8760 \(h\)"),
    ],
)
def test_what_cannot_be_is_refused(name: str, value: Value, words: str) -> None:
    with pytest.raises(LiveError, match=f"{name} {words}"):
        set_value(name, value, actor="test", why="")
