"""Reading: which final blocks were read when, from whom, and what their logs were checked against."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from indexer.positions.models.fields import DigestField


class Reading(models.Model):
    """Blocks [from_block, to_block] as read once, by a scan or (without one) by the latest loop.

    `log_count` and `digest` are over every pair of a log and a job that watches it; null where the logs of the range
    are no longer known one by one. No foreign key: readings outlive the segments they were read in.
    """

    scan_id = models.BigIntegerField(null=True)
    from_block = models.BigIntegerField()
    to_block = models.BigIntegerField()
    level = models.SmallIntegerField()
    endpoints = ArrayField(models.TextField(), help_text="labels of those whose answers it rests on")
    log_count = models.BigIntegerField(null=True)
    digest = DigestField(null=True)
    watch_version = models.IntegerField(null=True, help_text="the latest loop: the set of jobs it was matched against")
    read_at = models.DateTimeField(db_default=Now())
    audited_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "readings"
        indexes = [models.Index(fields=["scan_id", "to_block"], name="readings_in_order")]
