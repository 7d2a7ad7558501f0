from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TasksConfig(AppConfig):
    name = "indexer.tasks"
    label = "tasks"

    def ready(self) -> None:
        # The one makes its job known to procrastinate, the other declares what can be changed in every process.
        from indexer.tasks import carrier, live  # noqa: F401
        from indexer.tasks.schedules import make_first

        post_migrate.connect(make_first, sender=self, dispatch_uid="tasks.make_first")
