"""Where the latest loop stands, and what it needs to take blocks back."""

from django.db import models
from django.db.models.functions import Now


class Block(models.Model):
    """Headers above final and some way below it."""

    number = models.BigIntegerField(primary_key=True)
    hash = models.BinaryField(help_text="32 bytes")
    parent_hash = models.BinaryField(help_text="32 bytes")
    timestamp = models.BigIntegerField(help_text="seconds since 1970")

    class Meta:
        db_table = "blocks"


class Unsettled(models.Model):
    """Every (block, address, job, metadata) that a block not yet final has touched."""

    block_number = models.BigIntegerField(db_index=True)
    address = models.BinaryField(help_text="20 bytes")
    job_id = models.IntegerField()
    key = models.TextField(null=True)
    value_sha256 = models.BinaryField(null=True)

    class Meta:
        db_table = "unsettled"


class Setting(models.Model):
    """The chain's own state by key: see indexer.positions.state for the keys and the shapes of their values."""

    key = models.TextField(primary_key=True)
    value = models.JSONField()
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        db_table = "settings"
