from django.apps import AppConfig


class ChainsConfig(AppConfig):
    name = "indexer.chains"
    label = "chains"
    verbose_name = "Chains"

    def ready(self) -> None:
        from indexer.chains import checks  # noqa: F401  # registers them
