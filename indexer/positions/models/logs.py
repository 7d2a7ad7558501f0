"""Log: this address has had a position with this job's pool.

No foreign keys to jobs: rows come by the hundred thousand, and the code that retires a job deletes its rows.
"""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

# Rows come by ranges of blocks, several at a time: a summary of each part of the table, small and cheap to write, tells
# audits where those of a range are.
BY_BLOCK = ["int8_minmax_multi_ops"]


class Log(models.Model):
    pk = models.CompositePrimaryKey("address", "job_id")
    address = models.BinaryField(help_text="20 bytes")
    job_id = models.IntegerField()
    first_block = models.BigIntegerField(help_text="the earliest block known to touch")

    class Meta:
        db_table = "logs"
        indexes = [
            models.Index(fields=["job_id"], name="logs_of_job"),
            BrinIndex(fields=["first_block"], name="logs_first_blocks", opclasses=BY_BLOCK, autosummarize=True),
        ]


class LogMetadata(models.Model):
    pk = models.CompositePrimaryKey("address", "job_id", "key", "value_sha256")
    address = models.BinaryField(help_text="20 bytes")
    job_id = models.IntegerField()
    key = models.TextField()
    value_sha256 = models.BinaryField(help_text="values may be longer than an index entry can be")
    value = models.TextField()
    first_block = models.BigIntegerField()

    class Meta:
        db_table = "log_metadata"
        indexes = [
            BrinIndex(fields=["first_block"], name="metadata_first_blocks", opclasses=BY_BLOCK, autosummarize=True)
        ]


class UnreadableLog(models.Model):
    """Logs of one block that did not fit a job: kept by block so that replays and reorgs leave the count exact."""

    pk = models.CompositePrimaryKey("job_id", "block_number")
    job_id = models.IntegerField()
    block_number = models.BigIntegerField()
    count = models.IntegerField()
    reason = models.TextField(help_text="why the first of them could not be read")

    class Meta:
        db_table = "unreadable_logs"
