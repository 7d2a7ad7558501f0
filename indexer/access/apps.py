from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate, post_save


class AccessConfig(AppConfig):
    name = "indexer.access"
    label = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        from indexer.access.chains import note_added, note_removed
        from indexer.access.groups import write_groups
        from indexer.chains.models import Chain

        post_migrate.connect(write_groups, dispatch_uid="access.write_groups")
        post_save.connect(note_added, sender=Chain, dispatch_uid="access.note_added")
        post_delete.connect(note_removed, sender=Chain, dispatch_uid="access.note_removed")
