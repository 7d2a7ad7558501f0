"""Which runs the line gives out while one of a task that is `alone` waits for its next attempt."""

import pytest

from indexer.chains.connections import Connection
from indexer.tasks.carrier import QUEUE
from indexer.tasks.declaring import Priority
from indexer.tasks.models import Schedule, TaskRun
from indexer.tasks.queueing import enqueue
from tests.tasks.test_a_run_goes_where_its_function_says import carry

FETCH = "SELECT (args ->> 'run_id')::bigint, id FROM task_fetch(ARRAY[%s]::varchar[], NULL, 100) WHERE id IS NOT NULL"


def fetch_all(line: Connection) -> list[int]:
    """The runs that any number of workers would have in hand now."""
    found = []
    while row := line.execute(FETCH, [QUEUE]).fetchone():
        found.append(row[0])
    return found


def stumble(line: Connection, run: TaskRun) -> None:
    """A worker does it, and it fails; its job leaves the line, as the worker takes it out."""
    job = run.job_id
    assert carry(run).state == "waiting"
    line.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [job])


@pytest.fixture
def waiting(line: Connection) -> TaskRun:
    run = enqueue("stumble", {"retry_after": 3600})
    stumble(line, run)
    return run


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(
    ("task", "priority", "goes_on"),
    [
        ("count-up", None, True),  # another task, which is alone, too
        ("count-up", Priority.LOW, True),
        ("ask", None, True),  # one that is not
        ("pieces", None, True),
        ("stumble", None, False),
        ("stumble", Priority.LOW, False),
        ("stumble", Priority.HIGH, True),  # whoever cannot wait says so
    ],
)
def test_other_tasks_go_on(line: Connection, task: str, priority: Priority | None, goes_on: bool) -> None:
    run = enqueue(task, priority=priority)
    assert fetch_all(line) == [run.pk] * goes_on


@pytest.mark.usefixtures("waiting")
def test_another_schedule_of_the_same_task_waits_and_one_of_another_task_does_not(line: Connection) -> None:
    schedules = [Schedule.objects.create(name=f"other {task}", task=task, every=60) for task in ("stumble", "count-up")]
    runs = [enqueue(schedule.task, {}, schedule=schedule) for schedule in schedules]
    assert fetch_all(line) == [runs[1].pk]


def test_what_was_in_the_line_before_it_failed_does_not_wait_for_it(line: Connection) -> None:
    first, second = enqueue("stumble", {"retry_after": 3600}), enqueue("stumble")
    stumble(line, first)
    assert fetch_all(line) == [second.pk]


def test_once_it_is_due_it_comes_first_and_the_others_after_its_end(line: Connection, waiting: TaskRun) -> None:
    behind = enqueue("stumble")
    line.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE id = %s", [waiting.job_id])
    assert fetch_all(line) == [waiting.pk]
    assert carry(waiting).state == "succeeded"
    line.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [waiting.job_id])
    assert fetch_all(line) == [behind.pk]
