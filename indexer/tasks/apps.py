from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "indexer.tasks"
    label = "tasks"

    def ready(self) -> None:
        # The one makes its job known to procrastinate, the other declares what can be changed in every process.
        from indexer.tasks import carrier, live  # noqa: F401
