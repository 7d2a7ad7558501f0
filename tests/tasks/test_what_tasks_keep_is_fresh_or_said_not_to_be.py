"""How old is what a task keeps: by its newest success of all of it, for tasks that cannot run as well."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from indexer.chains.connections import Connection
from indexer.tasks.declaring import NoSuchTask, Task
from indexer.tasks.freshness import Freshness, read_freshness
from indexer.tasks.models import Schedule, TaskRun
from indexer.tasks.queueing import enqueue
from indexer.tasks.registry import Broken, load
from indexer.tasks.schedules import dispatch_due
from indexer.tasks.statuses import TaskStatus, read_task, read_tasks
from tests.people import LogIn
from tests.tasks.test_a_run_goes_where_its_function_says import carry
from tests.tasks.test_admin_tasks import TASKS, row_of, said
from tests.tasks.test_command_tasks import run
from tests.tasks.told import TASKS as TOLD
from tests.tasks.told import tell_partition, tell_run, told

__all__ = ["told"]

HOUR = 3600.0
WORDS = "indexer.barn.scheduled.count_sheep: it cannot be imported: no module named wolf"


def sheep() -> Freshness:
    (found,) = [each for each in read_freshness() if each.name == "count-sheep"]
    assert read_task("count-sheep").freshness is not None
    return found


@pytest.fixture
def break_sheep(told: Connection) -> Iterator[Callable[[], None]]:
    """Its file cannot be imported any more."""
    known = load()
    task = known.tasks["count-sheep"]

    def spoil() -> None:
        del known.tasks["count-sheep"]
        known.broken.append(Broken("count-sheep", "indexer.barn.scheduled.count_sheep", WORDS))

    yield spoil
    known.broken[:] = [each for each in known.broken if each.name != "count-sheep"]
    known.tasks["count-sheep"] = task


@pytest.mark.parametrize(
    ("params", "fresh"),
    [
        ({}, True),
        ({"meadow": "north"}, True),  # as one of its schedules
        ({"meadow": "south"}, False),
        ({"meadow": "north", "limit": 1}, False),
    ],
)
def test_only_a_run_of_all_of_it_makes_it_fresh(told: Connection, params: dict[str, Any], fresh: bool) -> None:
    Schedule.objects.create(name="north", task="count-sheep", every=60.0, params={"meadow": "north"})
    Schedule.objects.create(name="south", task="shear-sheep", every=60.0, params={"meadow": "south"})
    tell_run(told, "count-sheep", "succeeded", started_at=27 * HOUR, finished_at=27 * HOUR)
    assert sheep().stale
    tell_run(told, "count-sheep", "succeeded", params=params)
    tell_run(told, "count-sheep", "failed")
    assert sheep().stale is not fresh


def test_its_age_is_of_when_the_run_began(told: Connection) -> None:
    tell_run(told, "count-sheep", "succeeded", started_at=20 * HOUR, finished_at=10 * HOUR)
    assert sheep().age == pytest.approx(20 * HOUR, abs=60)


@pytest.mark.parametrize(("cursor", "hours"), [({"page": 9}, 30), (None, 1)])
def test_what_a_retry_goes_on_with_is_as_old_as_it_was(
    told: Connection, cursor: dict[str, int] | None, hours: float
) -> None:
    first = tell_run(told, "count-sheep", "failed", started_at=30 * HOUR, cursor=cursor)
    second = tell_run(told, "count-sheep", "cancelled", started_at=20 * HOUR, cursor=cursor, retry_of_id=first)
    tell_run(told, "count-sheep", "succeeded", started_at=HOUR, cursor=cursor, retry_of_id=second)
    assert sheep().age == pytest.approx(hours * HOUR, abs=60)


def test_a_success_meanwhile_is_newer_than_what_a_retry_goes_on_with(told: Connection) -> None:
    first = tell_run(told, "count-sheep", "failed", started_at=30 * HOUR, cursor={"page": 9})
    tell_run(told, "count-sheep", "succeeded", started_at=2 * HOUR)
    tell_run(told, "count-sheep", "succeeded", started_at=HOUR, retry_of_id=first)
    assert sheep().age == pytest.approx(2 * HOUR, abs=60)


def test_partitions_of_a_run_that_is_tried_again_are_as_old_as_they_were(
    told: Connection, declared: Callable[[Task], None]
) -> None:
    declared(replace(TOLD["plough-fields"], fresh_for=timedelta(hours=26)))
    tell_partition(told, "north", "complete")
    first = tell_run(told, "plough-fields", "failed", started_at=30 * HOUR)
    tell_run(told, "plough-fields", "succeeded", started_at=HOUR, retry_of_id=first)
    (found,) = [each for each in read_freshness() if each.name == "plough-fields"]
    assert found.stale


@pytest.mark.usefixtures("told")
def test_the_run_that_freshness_is_told_by_is_never_forgotten() -> None:
    whole, part = (carry(enqueue("count-sheep", params)) for params in ({}, {"limit": 1}))
    TaskRun.objects.update(finished_at="2020-01-01T00:00:00Z")
    assert carry(enqueue("prune-runs")).vanished == 0
    assert set(TaskRun.objects.filter(task="count-sheep")) == {whole, part}


def test_a_file_that_cannot_be_used_is_stale(told: Connection, break_sheep: Callable[[], None], log_in: LogIn) -> None:
    last = tell_run(told, "count-sheep", "succeeded")
    break_sheep()
    found = sheep()
    assert (found.stale, found.promised, found.trouble) == (True, None, WORDS)
    assert found.newest is not None
    task = read_task("count-sheep")
    assert (task.trouble, task.freshness and task.freshness.stale, task.last_run and task.last_run.id) == (
        WORDS,
        True,
        last,
    )
    assert WORDS in run("status", "count-sheep")[0]
    assert WORDS in run("list")[0]
    row = row_of(said(log_in("operator"), TASKS), "count-sheep")
    assert WORDS in row
    assert "Run now" not in row
    assert "Pause count-sheep" in row


def test_a_schedule_whose_task_is_gone_is_shown_and_can_rest(
    told: Connection, log_in: LogIn, caplog: pytest.LogCaptureFixture
) -> None:
    schedule = Schedule.objects.create(name="count-wolves", task="count-wolves", every=60.0)
    Schedule.objects.filter(pk=schedule.pk).update(next_at="2020-01-01T00:00:00Z")
    dispatch_due()
    Schedule.objects.filter(pk=schedule.pk).update(next_at="2020-01-01T00:00:00Z")
    dispatch_due()
    assert caplog.text.count("schedule count-wolves cannot run") == 1
    found: dict[str, TaskStatus] = {each.name: each for each in read_tasks()}
    assert "there is no task 'count-wolves'" in found["count-wolves"].trouble
    assert [each.id for each in found["count-wolves"].schedules] == [schedule.pk]
    assert list(found) == sorted(found)
    assert "there is no task" in run("status", "count-wolves")[0]
    client = log_in("operator")
    assert "Pause count-wolves" in row_of(said(client, TASKS), "count-wolves")
    assert run("pause", "count-wolves")[0] == "schedule count-wolves rests\n"
    assert client.post(f"{TASKS}{schedule.pk}/delete/", {"post": "yes"}).status_code == 302
    with pytest.raises(NoSuchTask):
        read_task("count-wolves")
