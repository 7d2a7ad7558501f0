"""The roles as Django's groups, so that people get them in the admin."""

from typing import Any

from django.apps import AppConfig, apps
from django.db import connections
from django.db.models import Q

from indexer.access.scopes import ADMINISTRATOR, OPERATOR, VIEWER

# What an operator changes in the admin, by app and model.
OPERATED = (("positions", "job"), ("chains", "taughtrule"), ("workers", "livevalue"), ("tasks", "schedule"))
# What an operator may do besides, by app and permission.
PERMITTED = (("workers", "steer_worker"), ("tasks", "steer_task"), ("market", "decide_proposal"))


def write_groups(sender: AppConfig, using: str, **rest: Any) -> None:
    """Make the groups and give them their permissions, once the last app's permissions are there.

    Users and groups are of the public schema; the schemas of chains are migrated with the same signals.
    """
    from django.contrib.auth.models import Group, Permission

    last = [config for config in apps.get_app_configs() if config.models_module is not None][-1]
    if sender is not last or connections[using].schema_name != "public":  # type: ignore[attr-defined]  # django-tenants
        return
    operated = Q()
    for app, model in OPERATED:
        operated |= Q(content_type__app_label=app, content_type__model=model)
    for app, codename in PERMITTED:
        operated |= Q(content_type__app_label=app, codename=codename)
    views = Q(codename__startswith="view_")
    for role, permitted in {VIEWER: views, OPERATOR: views | operated, ADMINISTRATOR: Q()}.items():
        group, _ = Group.objects.using(using).get_or_create(name=role.name)
        group.permissions.set(Permission.objects.using(using).filter(permitted))
