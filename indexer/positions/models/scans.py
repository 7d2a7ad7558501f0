"""Scans of the past, and the segments that are the historic loop's work queue."""

from django.db import models

from indexer.positions.models.fields import BlockRangesField, DigestField
from indexer.positions.models.jobs import Job


class Scan(models.Model):
    """A reading of the past for a frozen set of jobs, cut into segments."""

    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    left = models.BooleanField(
        default=False, db_default=False, help_text="a job has left it: reading it again finds other logs"
    )

    class Meta:
        db_table = "scans"
        indexes = [models.Index(fields=["id"], name="scans_unfinished", condition=models.Q(finished_at=None))]

    def __str__(self) -> str:
        return f"scan {self.pk}"


class ScanJob(models.Model):
    """A job in a scan with the blocks it needs of it: a segment is read for the jobs whose need overlaps it."""

    pk = models.CompositePrimaryKey("scan_id", "job_id")
    scan = models.ForeignKey(Scan, on_delete=models.CASCADE, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    need = BlockRangesField()

    class Meta:
        db_table = "scan_jobs"


class Segment(models.Model):
    """Blocks [from_block, to_block] of a scan: everything below `cursor` is read and stored."""

    scan = models.ForeignKey(Scan, on_delete=models.CASCADE, related_name="segments")
    from_block = models.BigIntegerField()
    to_block = models.BigIntegerField()
    cursor = models.BigIntegerField(help_text="the next block to read; to_block + 1 when finished")
    owner = models.TextField(null=True)
    lease_until = models.DateTimeField(null=True)
    log_count = models.BigIntegerField(default=0)
    level = models.SmallIntegerField(null=True, help_text="the weakest Level of what is read")
    digest = DigestField(default=0, db_default=0)
    attempts = models.IntegerField(default=0, help_text="failed attempts since the last success")
    error = models.TextField(null=True)
    next_attempt = models.DateTimeField(null=True)

    class Meta:
        db_table = "segments"
        indexes = [
            models.Index(
                fields=["id"], name="segments_unfinished", condition=models.Q(cursor__lte=models.F("to_block"))
            )
        ]
