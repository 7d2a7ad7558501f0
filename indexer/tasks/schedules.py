"""Puts runs into the line when their schedules are due. Any number of processes may do so at once."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.apps.registry import Apps
from django.db import IntegrityError, connection, connections, transaction

from indexer.tasks.cron import MOST_COUNTED, next_after, next_beyond
from indexer.tasks.declaring import TaskError
from indexer.tasks.models import Schedule, TaskRun
from indexer.tasks.queueing import enqueue
from indexer.tasks.registry import tasks
from indexer.tasks.states import ACTIVE, Missed

log = logging.getLogger(__name__)

LATE = timedelta(seconds=60)
"""A time that passed longer ago counts as missed: nobody was there to keep it."""


def make_defaults() -> list[str]:
    """A schedule for every task that declares one and has none at all; the names of the new ones.

    One that somebody has edited stays as it is, and one that was deleted comes back: pause it instead.
    """
    have = set(Schedule.objects.values_list("task", flat=True))
    missing = [task for task in tasks().values() if (task.cron or task.every is not None) and task.name not in have]
    Schedule.objects.bulk_create(
        [
            Schedule(name=task.name, task=task.name, cron=task.cron, every=task.every, priority=task.priority)
            for task in missing
        ],
        ignore_conflicts=True,  # another process does the same
    )
    return [task.name for task in missing]


def make_first(using: str, apps: Apps, **rest: Any) -> None:
    """After the tables are made: what is declared is shown, and can be paused, before any worker has begun.

    The schemas of chains are migrated with the same signal, and have no schedules; nor has what is migrated to before.
    """
    is_public = connections[using].schema_name == "public"  # type: ignore[attr-defined]  # django-tenants
    if is_public and "schedule" in apps.all_models["tasks"]:
        make_defaults()


def dispatch_due(now: datetime | None = None) -> list[TaskRun]:
    """Give every schedule that is due its run, and its next time; the runs. `now`: the database's where not given."""
    moment = now or database_now()
    forget_odd_times(moment)
    runs: list[TaskRun] = []
    while True:
        with transaction.atomic():
            # One at a time: what is wrong with one takes no other with it, and nobody waits for a schedule in hand.
            schedule = (
                Schedule.objects.select_for_update(skip_locked=True)
                .filter(paused=False)
                .exclude(next_at__gt=moment)
                .exclude(pk__in=[run.schedule_id for run in runs if run.schedule_id])
                .exclude(pk__in=waiting_for_their_last_run())
                .order_by("next_at", "pk")
                .first()
            )
            if schedule is None:
                return runs
            if run := dispatch(schedule, moment):
                runs.append(run)


def forget_odd_times(now: datetime) -> None:
    """Those that were worked out while the clock was ahead are worked out again: they may be years away."""
    soon = now + LATE  # what a clock is set back by every day makes no time come twice
    for schedule in Schedule.objects.filter(paused=False, next_at__gt=soon):
        try:
            latest = next_after(schedule.when, soon)
        except TaskError:
            latest = soon
        if schedule.next_at and schedule.next_at > latest:
            log.warning("schedule %s: %s is not its next time: was the clock ahead?", schedule.name, schedule.next_at)
            Schedule.objects.filter(pk=schedule.pk, next_at=schedule.next_at).update(next_at=None)


def waiting_for_their_last_run() -> list[int]:
    """Schedules that run once as soon as their last run is over: nothing is to be done about them before."""
    return list(
        TaskRun.objects.filter(
            state__in=sorted(ACTIVE), schedule__missed=Missed.RUN_ONCE, schedule__next_at__isnull=False
        ).values_list("schedule_id", flat=True)
    )


def dispatch(schedule: Schedule, now: datetime) -> TaskRun | None:
    """The run that this schedule, which the caller has locked, gets now; None where it gets none."""
    try:
        when = schedule.when
        if schedule.next_at is None:
            move(schedule, next_after(when, now), schedule.note)
            return None
        following, passed = next_beyond(when, schedule.next_at, now)
        return keep_time(schedule, schedule.next_at, following, passed, now)
    except TaskError as error:
        # Nobody but a person mends it; until then it is looked at once a minute, as an edited one is.
        if schedule.note != str(error):
            log.error("schedule %s cannot run: %s", schedule.name, error)
        move(schedule, now + LATE, str(error))
        return None


def keep_time(schedule: Schedule, planned: datetime, following: datetime, passed: int, now: datetime) -> TaskRun | None:
    """Keep the time that was planned, the first of the `passed` ones, or say that it was missed. Raises TaskError."""
    is_on = TaskRun.objects.filter(schedule=schedule, state__in=sorted(ACTIVE)).exists()
    if schedule.missed == Missed.SKIP and (is_on or now - planned > LATE):
        reason = "its last run was still on" if is_on else "nobody was there to put it into the line"
        note = f"{say(planned, passed)} skipped: {reason}"
        log.warning("schedule %s: %s", schedule.name, note)
        move(schedule, following, note)
        return None
    if is_on:
        return None
    note = ""
    if passed > 1 or now - planned > LATE:
        note = f"{say(planned, passed)} missed, and made up for by one run at {now:%Y-%m-%d %H:%M:%S} UTC"
        log.warning("schedule %s: %s", schedule.name, note)
    try:
        with transaction.atomic():
            run = enqueue(schedule.task, schedule.params, priority=schedule.priority, schedule=schedule)
    except IntegrityError:
        return None  # somebody has just tried its last run again
    move(schedule, following, note or schedule.note)
    Schedule.objects.filter(pk=schedule.pk).update(last_at=now)
    return run


def move(schedule: Schedule, next_at: datetime, note: str) -> None:
    """By an update, for `save` is of those who edit."""
    Schedule.objects.filter(pk=schedule.pk).update(next_at=next_at, note=note)


def say(planned: datetime, passed: int) -> str:
    least = "at least " if passed > MOST_COUNTED else ""
    times = "was" if passed == 1 else f"and {least}{passed - 1:,} more times were"
    return f"{planned:%Y-%m-%d %H:%M:%S} UTC {times}"


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment: datetime = cursor.fetchone()[0]
    return moment
