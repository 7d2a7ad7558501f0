"""A state more of partitions: their source says that what they ask for is not to be had."""

from django.db import migrations, models

STATES = ("missing", "running", "complete", "failed", "stale", "refused")


class Migration(migrations.Migration):
    dependencies = [("tasks", "0003_runs")]

    operations = [
        migrations.AlterField(
            "partition", "state", models.CharField(max_length=10, choices=[(state, state) for state in STATES])
        )
    ]
