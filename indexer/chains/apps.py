from django.apps import AppConfig


class ChainsConfig(AppConfig):
    name = "indexer.chains"
    label = "chains"

    def ready(self) -> None:
        from indexer.chains import checks  # noqa: F401  # registers them
