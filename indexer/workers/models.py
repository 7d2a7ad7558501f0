"""What workers say of themselves, what befell them, what they are told; live settings and the history of each.

Workers write with plain SQL, beside Django's connections: see `heart` and `live`.
"""

from django.db import models
from django.db.models.functions import Now

from indexer.workers.states import Seen, State

LONGEST_NAME = 200
"""Characters of PROGRAM@HOST: a program has some 60 at most, a host 64."""


class WorkerRow(models.Model):
    """A worker of one machine: see `indexer.workers.names` for what it is called, `indexer.workers.states.Told` for
    what its columns mean."""

    name = models.CharField(max_length=LONGEST_NAME, primary_key=True)
    program = models.GeneratedField(
        expression=models.Func(models.F("name"), models.Value("@"), models.Value(1), function="split_part"),
        output_field=models.CharField(max_length=LONGEST_NAME),
        db_persist=True,
    )
    kind = models.CharField(max_length=60, help_text="of worker: chain, or the name of a background worker")
    host = models.CharField(max_length=200)
    pid = models.IntegerField()
    process = models.UUIDField(help_text="a new one for each process")
    said = models.CharField(max_length=20, choices=[(state.value, state.value) for state in State])
    why = models.TextField(blank=True)
    started_at = models.DateTimeField()
    said_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    progress_at = models.DateTimeField()
    last_run_at = models.DateTimeField(null=True)
    runs = models.BigIntegerField(default=0, db_default=0, help_text="since the process began")
    failures = models.BigIntegerField(default=0, db_default=0, help_text="of these runs")
    items = models.BigIntegerField(default=0, db_default=0, help_text="worked on since the process began")
    error_rate = models.FloatField(default=0, db_default=0, help_text="share of the last runs that failed")
    items_per_minute = models.FloatField(default=0, db_default=0)
    latency = models.FloatField(null=True, help_text="seconds, of its last runs")
    lag = models.FloatField(null=True, help_text="seconds that it is behind")
    memory = models.BigIntegerField(default=0, db_default=0, help_text="bytes")
    hung_after = models.FloatField(null=True, help_text="seconds; null: as the live setting says")
    memory_limit = models.BigIntegerField(null=True, help_text="bytes; null: as the live setting says")
    seen = models.CharField(
        max_length=10,
        choices=[(seen.value, seen.value) for seen in Seen],
        default=Seen.UNKNOWN,
        db_default=Seen.UNKNOWN,
    )
    seen_words = models.TextField(blank=True, default="", db_default="")
    seen_at = models.DateTimeField(null=True)
    restarts = models.IntegerField(default=0, db_default=0, help_text="since it was last healthy for ten minutes")
    well_since = models.DateTimeField(null=True, help_text="null: it is not")
    needs_person = models.TextField(blank=True, default="", db_default="", help_text="what a person is to look at")

    class Meta:
        db_table = "workers"
        ordering = ["name"]
        verbose_name = "worker"
        constraints = [models.UniqueConstraint(fields=["host", "program"], name="workers_of_a_machine")]
        permissions = [("steer_worker", "Can start, stop and restart workers")]

    def __str__(self) -> str:
        return self.name


class WorkerEvent(models.Model):
    """Something befell a worker: a new state, a restart, an order of somebody's. Kept for `sightings.KEPT`."""

    worker = models.CharField(max_length=LONGEST_NAME)
    at = models.DateTimeField(db_default=Now())
    what = models.CharField(max_length=20, help_text="state, restart, order or stack")
    state = models.CharField(max_length=20, blank=True, help_text="the state since then")
    words = models.TextField(blank=True, help_text="why")
    actor = models.CharField(max_length=200, blank=True, help_text="who wanted it; empty: the runtime itself")
    stack = models.TextField(blank=True, default="", db_default="", help_text="where a hung process stood")

    class Meta:
        db_table = "worker_events"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["worker", "-id"], name="worker_events_of"),
            models.Index(fields=["at"], name="worker_events_at"),
        ]

    def __str__(self) -> str:
        return f"{self.worker}: {self.what} {self.state or self.words}"


class WorkerLine(models.Model):
    """A line of a worker's log: the newest thousand of each are kept."""

    worker = models.CharField(max_length=LONGEST_NAME)
    at = models.DateTimeField()
    level = models.CharField(max_length=10)
    logger = models.CharField(max_length=200)
    text = models.TextField()

    class Meta:
        db_table = "worker_lines"
        ordering = ["id"]
        indexes = [models.Index(fields=["worker", "-id"], name="worker_lines_of")]

    def __str__(self) -> str:
        return self.text


class WorkerOrder(models.Model):
    """What somebody wants done to a worker; the overseer of its machine does it, within two seconds."""

    worker = models.CharField(max_length=LONGEST_NAME)
    action = models.CharField(max_length=10, choices=[(name, name) for name in ("start", "stop", "restart")])
    actor = models.CharField(max_length=200)
    why = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)
    outcome = models.TextField(blank=True, default="", db_default="")

    class Meta:
        db_table = "worker_orders"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["worker"], condition=models.Q(done_at=None), name="worker_orders_open"),
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.worker}"


class LiveValue(models.Model):
    """A live setting that somebody has set, flags among them; what has no row has its default."""

    name = models.CharField(max_length=120, primary_key=True)
    value = models.JSONField()

    class Meta:
        db_table = "live_values"
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"


class LiveChange(models.Model):
    """One change of a live setting. Its id is the version of them all: changes are made one after the other."""

    name = models.CharField(max_length=120)
    old = models.JSONField(null=True, help_text="null: it had its default")
    new = models.JSONField(null=True, help_text="null: it has its default again")
    actor = models.CharField(max_length=200)
    why = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now())
    rolls_back = models.ForeignKey("self", models.PROTECT, null=True, related_name="rolled_back_by")

    class Meta:
        db_table = "live_changes"
        ordering = ["-id"]
        indexes = [models.Index(fields=["name", "-id"], name="live_changes_of")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.name} = {self.new}"
