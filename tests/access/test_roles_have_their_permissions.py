"""After the very first migration the groups have what their roles promise."""

import pytest
from django.contrib.auth.models import Group, Permission


def permissions(role: str) -> set[str]:
    granted = Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in granted}


@pytest.mark.django_db
def test_the_groups_have_what_their_roles_promise() -> None:
    viewer, operator, administrator = map(permissions, ("viewer", "operator", "administrator"))
    assert {"positions.view_job", "positions.view_log", "access.view_apikey", "chains.view_chain"} <= viewer
    assert all(".view_" in permission for permission in viewer)
    assert {
        "positions.change_job",
        "workers.change_livevalue",
        "workers.steer_worker",
        "tasks.steer_task",
    } <= operator - viewer
    assert {"workers.view_workerrow", "workers.view_livevalue"} <= viewer
    assert "workers.change_workerrow" not in operator
    assert not {permission for permission in operator if permission.startswith(("access.", "auth."))} - viewer
    assert len(administrator) == Permission.objects.count()
