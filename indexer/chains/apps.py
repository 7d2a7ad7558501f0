from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ChainsConfig(AppConfig):
    name = "indexer.chains"
    label = "chains"
    verbose_name = "Chains"

    def ready(self) -> None:
        from indexer.chains import checks  # noqa: F401  # registers them
        from indexer.chains.statements import tell_statements

        connection_created.connect(tell_statements)
