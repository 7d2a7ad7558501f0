"""Whom a pool has: its jobs' rows of logs without reading all of them."""

from django.db import migrations, models

from indexer.positions.online import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("positions", "0002_settings")]

    operations = [AddIndexOnline("log", models.Index(fields=["job_id"], name="logs_of_job"))]
