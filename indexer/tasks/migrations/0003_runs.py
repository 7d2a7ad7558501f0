"""What a run is called by the admin; nothing of the tables changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0002_fetch"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="taskrun",
            options={
                "ordering": ["-id"],
                "permissions": [("steer_task", "Can run, cancel and retry tasks")],
                "verbose_name": "run",
            },
        ),
    ]
