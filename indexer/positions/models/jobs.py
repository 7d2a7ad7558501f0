"""Job: a watched contract and the event that gives a user a position; its labels."""

from django.db import models
from django.db.models import Q

from indexer.positions.models.fields import BlockRangesField

DEFINITION = [
    "contract_address",
    "topic0",
    "user_topic",
    "abi",
    "user_argument",
    "metadata_argument",
    "transform",
]


class Job(models.Model):
    """What is watched, and how much of the chain it has been looked up in.

    The definition never changes: a changed one is a new job, and the old one retires. A job is covered in `covered`,
    in the finished part of its unfinished scans, and from `live_from` up to the latest loop's cursor.
    """

    id = models.AutoField(primary_key=True)
    contract_address = models.BinaryField(help_text="20 bytes")
    topic0 = models.BinaryField(help_text="32 bytes")
    user_topic = models.SmallIntegerField(null=True, help_text="the topic (1..3) that holds the user's address")
    abi = models.TextField(null=True, help_text="canonical text of the event, where the user is a named argument")
    user_argument = models.TextField(null=True)
    metadata_argument = models.TextField(null=True)
    transform = models.TextField(null=True)

    enabled = models.BooleanField(default=True)
    retired = models.BooleanField(default=False, help_text="hidden from lookups; its rows are on their way out")
    floor = models.BigIntegerField(help_text="nothing earlier is promised")
    live_from = models.BigIntegerField(null=True, help_text="the latest loop covers the job from this block")
    covered = BlockRangesField(help_text="final blocks the historic loop has finished, or the latest loop has left")
    complete = models.BooleanField(default=False, help_text="covered from its floor up to the latest loop's cursor")
    unreadable = models.BigIntegerField(default=0, help_text="logs that do not fit the definition")
    attempts = models.IntegerField(default=0, help_text="failed attempts since the last success")
    error = models.TextField(null=True)
    next_attempt = models.DateTimeField(null=True)

    class Meta:
        db_table = "jobs"
        constraints = [
            models.UniqueConstraint(
                fields=DEFINITION, nulls_distinct=False, condition=Q(retired=False), name="jobs_definition"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="jobs_to_take_up", condition=Q(enabled=True, live_from=None)),
            models.Index(
                fields=["contract_address"],
                name="jobs_to_check",
                condition=Q(enabled=True, retired=False) & (Q(complete=False) | Q(unreadable__gt=0)),
            ),
            models.Index(fields=["id"], name="jobs_retired", condition=Q(retired=True)),
        ]

    def __str__(self) -> str:
        return f"job {self.pk}"


class JobLabel(models.Model):
    """Whose job it is: a protocol's product, named by one source list. Several labels may share one job."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="labels")
    source = models.TextField()
    protocol = models.TextField()
    product = models.TextField()

    class Meta:
        db_table = "job_labels"
        constraints = [
            models.UniqueConstraint(fields=["job", "source", "protocol", "product"], name="job_labels_once"),
        ]
