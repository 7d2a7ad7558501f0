from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from indexer.tasks.models import Schedule, TaskRun
from indexer.tasks.queueing import cancel
from indexer.tasks.schedules import dispatch_due, make_defaults
from indexer.tasks.states import Missed

pytestmark = pytest.mark.usefixtures("line")
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def make(**values: object) -> Schedule:
    given = {"name": "counting", "task": "count-up", "cron": "0 * * * *", **values}
    return Schedule.objects.create(**given)


def look(schedule: Schedule) -> Schedule:
    schedule.refresh_from_db()
    return schedule


def test_declared_schedules_are_made_once_and_edits_stay() -> None:
    assert "prune-runs" in make_defaults()
    schedule = Schedule.objects.get(name="prune-runs")
    schedule.cron, schedule.name = "0 5 * * *", "pruning"
    schedule.save()
    assert make_defaults() == []
    assert look(schedule).cron == "0 5 * * *"


def test_they_are_there_once_the_tables_are() -> None:
    call_command("migrate_schemas", "--shared", verbosity=0)
    assert Schedule.objects.filter(task="sync-pools", cron="0 3 * * *").exists()


def test_a_run_when_it_is_due_and_not_before() -> None:
    schedule = make()
    assert dispatch_due(NOON) == []
    assert look(schedule).next_at == NOON + HOUR
    assert dispatch_due(NOON + HOUR - timedelta(seconds=1)) == []
    (run,) = dispatch_due(NOON + HOUR)
    assert (run.task, run.schedule, run.actor) == ("count-up", schedule, "")
    assert (look(schedule).next_at, schedule.last_at, schedule.note) == (NOON + 2 * HOUR, NOON + HOUR, "")


def test_an_edit_holds_at_once_and_a_pause_misses_nothing() -> None:
    schedule = make(paused=True)
    assert dispatch_due(NOON) == []
    assert look(schedule).next_at is None
    schedule.paused, schedule.cron = False, "30 * * * *"
    schedule.save()
    assert dispatch_due(NOON + 5 * HOUR) == []
    assert look(schedule).next_at == NOON + 5.5 * HOUR


def test_times_that_nobody_kept_are_made_up_for_once() -> None:
    schedule = make()
    dispatch_due(NOON)
    (run,) = dispatch_due(NOON + 5.5 * HOUR)
    assert look(schedule).next_at == NOON + 6 * HOUR
    assert "2026-11-27 13:00:00 UTC and 4 more times were missed, and made up for by one run" in schedule.note
    cancel(run.pk, "ann")
    assert dispatch_due(NOON + 5.6 * HOUR) == []


def test_times_that_nobody_kept_are_skipped_where_that_is_wanted() -> None:
    schedule = make(missed=Missed.SKIP)
    dispatch_due(NOON)
    assert dispatch_due(NOON + 5.5 * HOUR) == []
    assert "4 more times were skipped: nobody was there" in look(schedule).note
    assert len(dispatch_due(NOON + 6 * HOUR)) == 1


def test_times_that_nobody_would_count_are_not_counted() -> None:
    schedule = make(cron="* * * * *")
    dispatch_due(NOON)
    assert len(dispatch_due(NOON + 366 * 24 * HOUR)) == 1
    assert "2026-11-27 12:01:00 UTC and at least 1,000 more times were missed" in look(schedule).note


@pytest.mark.parametrize(("timing", "first"), [({}, HOUR), ({"cron": "", "every": 7200.0}, 2 * HOUR)])
def test_a_clock_that_was_ahead_lets_none_wait_for_it(timing: dict[str, object], first: timedelta) -> None:
    schedule = make(**timing)
    dispatch_due(NOON + 366 * 24 * HOUR)
    assert look(schedule).next_at == NOON + 366 * 24 * HOUR + first
    assert dispatch_due(NOON) == []
    assert look(schedule).next_at == NOON + first
    assert len(dispatch_due(NOON + first)) == 1


def test_a_clock_that_is_set_back_a_little_makes_no_time_come_twice() -> None:
    schedule = make()
    dispatch_due(NOON)
    (run,) = dispatch_due(NOON + HOUR)
    cancel(run.pk, "ann")
    assert dispatch_due(NOON + HOUR - timedelta(seconds=30)) == []
    assert look(schedule).next_at == NOON + 2 * HOUR


@pytest.mark.parametrize("missed", list(Missed))
def test_never_two_runs_at_once(missed: Missed) -> None:
    schedule = make(missed=missed)
    dispatch_due(NOON)
    (run,) = dispatch_due(NOON + HOUR)
    assert dispatch_due(NOON + 2 * HOUR) == []
    assert ("its last run was still on" in look(schedule).note) is (missed is Missed.SKIP)
    cancel(run.pk, "ann")
    made_up_for = dispatch_due(NOON + 2.1 * HOUR)
    assert len(made_up_for) == (1 if missed is Missed.RUN_ONCE else 0)


def test_one_that_cannot_run_stops_no_other() -> None:
    lost = make(name="lost", task="nothing-like-it")
    make()
    dispatch_due(NOON)
    runs = dispatch_due(NOON + HOUR)
    assert [run.task for run in runs] == ["count-up"]
    assert "there is no task 'nothing-like-it'" in look(lost).note
    assert TaskRun.objects.count() == 1


def test_forms_are_told_what_is_wrong() -> None:
    with pytest.raises(ValidationError) as caught:
        Schedule(name="x", task="count-up", cron="99 * * * *", params={"stepz": 1}).full_clean()
    assert "bad minute" in caught.value.message_dict["cron"][0]
    assert "has no parameter 'stepz'" in caught.value.message_dict["params"][0]
