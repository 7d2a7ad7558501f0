from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccessConfig(AppConfig):
    name = "indexer.access"
    label = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        from indexer.access.groups import write_groups

        post_migrate.connect(write_groups, dispatch_uid="access.write_groups")
