"""Runs whose worker has vanished, as the tables show them: see test_workers for workers that really do."""

import pytest

from indexer.chains.connections import Connection
from indexer.tasks.claims import Claim, take
from indexer.tasks.models import Partition, TaskRun
from indexer.tasks.queueing import cancel, enqueue
from indexer.tasks.takeovers import MOST, take_over
from tests.tasks.test_a_run_goes_where_its_function_says import carry


def fetch(line: Connection, run: TaskRun, ago: int = 60) -> None:
    """Its job is in the hand of a worker that beat so many seconds ago."""
    row = line.execute(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s * interval '1 s') RETURNING id", [ago]
    ).fetchone()
    line.execute(
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s", [row and row[0], run.job_id]
    )


def vanish(line: Connection, run: TaskRun) -> Claim:
    """A worker takes the run, and is not heard of for a minute."""
    run.refresh_from_db()
    fetch(line, run)
    claim = take(run.pk, run.job_id or 0, "test 1")
    assert claim
    TaskRun.objects.filter(pk=run.pk).update(beat_at="2020-01-01T00:00:00Z")
    return claim


def test_a_run_goes_back_into_the_line_and_its_job_is_another(line: Connection) -> None:
    run = enqueue("count-up")
    vanish(line, run)
    assert take_over() == [run.pk]
    assert take_over() == []
    before = run.job_id
    run.refresh_from_db()
    assert (run.state, run.why, run.attempt, run.takeovers) == ("queued", "its worker, test 1, was silent", 0, 1)
    assert line.execute("SELECT id, status FROM procrastinate_jobs").fetchall() == [(run.job_id, "todo")]
    assert run.job_id != before
    assert carry(run).state == "succeeded"


def test_one_whose_worker_or_who_itself_beats_is_left_alone(line: Connection) -> None:
    leaving, fresh = enqueue("count-up"), enqueue("stumble")
    fetch(line, leaving)
    take(leaving.pk, leaving.job_id or 0, "a worker that leaves")
    fetch(line, fresh, ago=1)
    assert take_over() == []


def test_a_run_that_kills_its_workers_fails(line: Connection) -> None:
    run = enqueue("count-up")
    for _ in range(MOST):
        vanish(line, run)
        assert take_over() == [run.pk]
    run.refresh_from_db()
    assert (run.state, run.why, run.takeovers) == ("failed", "its worker was silent 5 times", 5)
    assert line.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (0,)


def test_a_run_that_is_fetched_and_never_begun_fails_too(line: Connection) -> None:
    run = enqueue("count-up")
    for _ in range(MOST):
        run.refresh_from_db()
        fetch(line, run)
        assert take_over() == [run.pk]
    run.refresh_from_db()
    assert (run.state, run.why, run.takeovers) == ("failed", "its worker was silent 5 times", 0)


def test_its_partition_is_nobodys_before_another_run_takes_it(line: Connection) -> None:
    run = enqueue("pieces", {"count": 1})
    vanish(line, run)
    Partition.objects.create(task="pieces", key="piece-0", state="running", run=run)
    take_over()
    assert Partition.objects.get().state == "missing"


def test_a_cancelled_run_without_a_worker_is_over(line: Connection) -> None:
    run = enqueue("count-up")
    vanish(line, run)
    assert cancel(run.pk, "ann").state == "running"
    take_over()
    run.refresh_from_db()
    assert (run.state, run.why) == ("cancelled", "cancelled by ann")


@pytest.mark.parametrize(
    "ending", ["DELETE FROM procrastinate_jobs", "UPDATE procrastinate_jobs SET status = 'failed'"]
)
def test_a_run_whose_job_has_ended_without_it_is_not_lost(line: Connection, ending: str) -> None:
    run = enqueue("count-up")
    line.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    line.execute(ending)
    assert take_over() == [run.pk]
    run.refresh_from_db()
    assert (run.state, run.takeovers, carry(run).state) == ("queued", 0, "succeeded")


def test_a_job_of_which_no_run_knows_leaves_the_line(line: Connection) -> None:
    run = carry(enqueue("count-up"))
    fetch(line, run)
    TaskRun.objects.filter(pk=run.pk).update(beat_at="2020-01-01T00:00:00Z")
    assert take_over() == []
    assert line.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (0,)
