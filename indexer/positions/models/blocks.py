"""Where the latest loop stands, and what it needs to take blocks back."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from indexer.positions.models.fields import DigestField


class Block(models.Model):
    """Headers above final and some way below it; the rest says how the latest loop read that block by itself."""

    number = models.BigIntegerField(primary_key=True)
    hash = models.BinaryField(help_text="32 bytes")
    parent_hash = models.BinaryField(help_text="32 bytes")
    timestamp = models.BigIntegerField(help_text="seconds since 1970")
    level = models.SmallIntegerField(null=True, help_text="what its logs were checked against: a Level")
    endpoints = ArrayField(models.TextField(), null=True, help_text="labels of those whose answers it rests on")
    log_count = models.IntegerField(null=True)
    digest = DigestField(null=True)
    watch_version = models.IntegerField(null=True, help_text="the set of jobs it was matched against")

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
