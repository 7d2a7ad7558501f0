from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "indexer.workers"
    label = "workers"

    def ready(self) -> None:
        from indexer.workers import checks  # noqa: F401  # registers them
