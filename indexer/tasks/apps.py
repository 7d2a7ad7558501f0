from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "indexer.tasks"
    label = "tasks"

    def ready(self) -> None:
        from indexer.tasks import carrier  # noqa: F401  # makes its job known to procrastinate
