from django.apps import AppConfig


class MarketConfig(AppConfig):
    name = "indexer.market"
    label = "market"

    def ready(self) -> None:
        from indexer.market import live  # noqa: F401  # declares what can be changed in every process
