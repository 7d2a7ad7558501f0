"""Rows first touched in a range of blocks without reading all of them: what audits compare."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations

from indexer.positions.online import AddIndexOnline

BY_BLOCK = ["int8_minmax_multi_ops"]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("positions", "0004_readings")]

    operations = [
        AddIndexOnline(
            "log", BrinIndex(fields=["first_block"], name="logs_first_blocks", opclasses=BY_BLOCK, autosummarize=True)
        ),
        AddIndexOnline(
            "logmetadata",
            BrinIndex(fields=["first_block"], name="metadata_first_blocks", opclasses=BY_BLOCK, autosummarize=True),
        ),
    ]
