"""Schedules, runs with their log lines, partitions of backfills, and what is known of each API's limits.

The waiting line itself is procrastinate's; a run's row says all that people and programs want to know of it.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now

from indexer.tasks.cron import When, check
from indexer.tasks.declaring import Priority, TaskError
from indexer.tasks.params import keep_params
from indexer.tasks.registry import find
from indexer.tasks.states import ACTIVE, Missed, PartitionState, RunState

PRIORITIES = [(priority.value, priority.label) for priority in Priority]
IS_ACTIVE = models.Q(state__in=sorted(ACTIVE))
TIMING = frozenset({"cron", "every", "paused"})
"""Fields of a schedule that say when it runs."""


class Schedule(models.Model):
    """When a task runs. The first one of each task is made as its declaration says; what is edited stays so."""

    name = models.CharField(max_length=100, unique=True)
    task = models.CharField(max_length=100)
    params = models.JSONField(default=dict, blank=True)
    cron = models.CharField(max_length=100, blank=True, help_text="minute hour day month weekday, in UTC")
    every = models.FloatField(null=True, blank=True, help_text="seconds; instead of cron")
    priority = models.SmallIntegerField(choices=PRIORITIES, default=Priority.MEDIUM)
    missed = models.CharField(
        max_length=10,
        choices=[(missed.value, missed.value) for missed in Missed],
        default=Missed.RUN_ONCE,
        help_text="what to do about times that have passed meanwhile",
    )
    paused = models.BooleanField(default=False)
    next_at = models.DateTimeField(null=True, blank=True, help_text="null: to be worked out")
    last_at = models.DateTimeField(null=True, blank=True, help_text="when it last put a run into the line")
    note = models.TextField(blank=True, default="", db_default="", help_text="what became of times that were missed")

    class Meta:
        db_table = "task_schedules"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Whoever edits when it runs lets its next time be worked out again; times that passed before are not missed
        any more. Of any other field, named in `update_fields`, a time that is due stays due."""
        fields = kwargs.get("update_fields")
        if fields is None or TIMING & set(fields):
            self.next_at = None
            if fields is not None:
                kwargs["update_fields"] = {*fields, "next_at"}
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """For forms and the API: ValidationError where it can never be due, or no such task runs so."""
        self.cron = " ".join(self.cron.split())
        errors = {}
        try:
            self.when  # noqa: B018  # reading it checks it
        except TaskError as error:
            errors["every" if self.every is not None else "cron"] = str(error)
        try:
            self.params = keep_params(find(self.task), self.params)
        except TaskError as error:
            errors["params"] = str(error)
        if errors:
            raise ValidationError(errors)

    @property
    def when(self) -> When:
        """As `cron` takes it. Raises TaskError where nobody can tell."""
        return check(self.cron, self.every)


class TaskRun(models.Model):
    """One run of a task, from its place in the line to its end; attempts after a failure are of the same run."""

    task = models.CharField(max_length=100)
    params = models.JSONField(default=dict)
    schedule = models.ForeignKey(Schedule, models.SET_NULL, null=True, related_name="runs")
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="retries")
    actor = models.CharField(max_length=200, blank=True, help_text="who wanted it; empty: its schedule")
    priority = models.SmallIntegerField(choices=PRIORITIES)
    job_id = models.BigIntegerField(null=True, help_text="of procrastinate")
    state = models.CharField(max_length=10, choices=[(state.value, state.value) for state in RunState])
    why = models.TextField(blank=True, default="", db_default="", help_text="what it waits for, or why it ended so")
    attempt = models.IntegerField(default=0, db_default=0)
    takeovers = models.IntegerField(default=0, db_default=0, help_text="how often its worker had gone")
    stuck = models.IntegerField(default=0, db_default=0, help_text="how often it was left since it last came further")
    claim = models.BigIntegerField(
        default=0, db_default=0, help_text="raised whenever a worker takes it: an earlier one has lost it"
    )
    worker = models.CharField(max_length=200, blank=True, default="", db_default="")
    cancelled_by = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="who wants it ended"
    )
    queued_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True, help_text="not before")
    started_at = models.DateTimeField(null=True, help_text="its first attempt")
    attempt_at = models.DateTimeField(null=True, help_text="its last attempt")
    beat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    done = models.BigIntegerField(default=0, db_default=0)
    done_before = models.BigIntegerField(
        default=0, db_default=0, help_text="of what is done, by attempts before the last one"
    )
    total = models.BigIntegerField(null=True)
    cursor = models.JSONField(null=True)
    created = models.BigIntegerField(default=0, db_default=0)
    changed = models.BigIntegerField(default=0, db_default=0)
    unchanged = models.BigIntegerField(default=0, db_default=0)
    vanished = models.BigIntegerField(default=0, db_default=0)
    rejected = models.BigIntegerField(default=0, db_default=0)
    error = models.TextField(blank=True, default="", db_default="")
    traceback = models.TextField(blank=True, default="", db_default="")

    class Meta:
        db_table = "task_runs"
        verbose_name = "run"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["task", "-id"], name="task_runs_of"),
            models.Index(fields=["state"], condition=IS_ACTIVE, name="task_runs_active"),
            models.Index(fields=["finished_at"], name="task_runs_finished"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["schedule"], condition=IS_ACTIVE, name="task_runs_one_of_a_schedule"),
        ]
        permissions = [("steer_task", "Can run, cancel and retry tasks")]

    def __str__(self) -> str:
        return f"{self.task} {self.pk}"


class TaskLine(models.Model):
    """A line of a run's log: the newest thousand of each are kept."""

    run = models.ForeignKey(TaskRun, models.CASCADE, related_name="lines")
    at = models.DateTimeField(db_default=Now())
    level = models.CharField(max_length=10)
    text = models.TextField()

    class Meta:
        db_table = "task_lines"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text


class Partition(models.Model):
    """A piece of a backfill that is done or not, whatever run does it. `first` and `last`: the days it was done for."""

    task = models.CharField(max_length=100)
    key = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=[(state.value, state.value) for state in PartitionState])
    first = models.DateField(null=True, help_text="null: all that there is")
    last = models.DateField(null=True)
    run = models.ForeignKey(TaskRun, models.SET_NULL, null=True)
    attempts = models.IntegerField(default=0, db_default=0)
    error = models.TextField(blank=True, default="", db_default="")
    records = models.BigIntegerField(default=0, db_default=0)
    finished_at = models.DateTimeField(null=True, help_text="when it was last complete")

    class Meta:
        db_table = "task_partitions"
        ordering = ["task", "key"]
        constraints = [models.UniqueConstraint(fields=["task", "key"], name="task_partitions_once")]
        indexes = [models.Index(fields=["task", "state"], name="task_partitions_by_state")]

    def __str__(self) -> str:
        return f"{self.task} {self.key}"


class ApiLimit(models.Model):
    """An API key's share of time and of its budget, for all processes: see `budgets`."""

    api = models.CharField(max_length=100, primary_key=True, help_text="its name, and the digest of the key")
    next_at = models.DateTimeField(help_text="when it may be asked again")
    hold_until = models.DateTimeField(null=True, help_text="by its own word")
    hold_words = models.TextField(blank=True, default="", db_default="")
    day = models.DateField(null=True)
    used = models.BigIntegerField(default=0, db_default=0, help_text="requests of that day")

    class Meta:
        db_table = "api_limits"
        ordering = ["api"]

    def __str__(self) -> str:
        return self.api
