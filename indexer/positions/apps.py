from django.apps import AppConfig


class PositionsConfig(AppConfig):
    name = "indexer.positions"
    label = "positions"
    verbose_name = "Watching"

    def ready(self) -> None:
        from indexer.positions import live  # noqa: F401  # declares what can be changed in every process
