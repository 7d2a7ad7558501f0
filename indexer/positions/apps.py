from django.apps import AppConfig


class PositionsConfig(AppConfig):
    name = "indexer.positions"
    label = "positions"
    verbose_name = "Watching"
