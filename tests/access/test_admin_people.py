"""Users in the admin: a role is given with the user, every change is in the audit, and only administrators make one."""

import pytest
from django.contrib.auth.models import Group, User

from indexer.access.models import AuditEntry
from tests.people import LogIn

USERS = "/admin/auth/user/"


def new_user(role: str) -> dict[str, object]:
    return {
        "username": "newcomer",
        "usable_password": "true",
        "password1": "correct horse battery",
        "password2": "correct horse battery",
        "groups": [Group.objects.get(name=role).pk],
        "is_staff": "on",
    }


def audit() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("id").values_list("action", "target"))


def test_an_administrator_adds_a_user_with_a_role(log_in: LogIn) -> None:
    client = log_in("administrator")
    assert client.post(f"{USERS}add/", new_user("operator")).status_code == 302
    user = User.objects.get(username="newcomer")
    assert user.is_staff
    assert user.has_perm("positions.change_job")
    assert not user.has_perm("access.add_apikey")
    assert audit() == [("add user", "newcomer")]


def test_changes_of_a_user_are_audited(log_in: LogIn) -> None:
    client = log_in("administrator")
    client.post(f"{USERS}add/", new_user("viewer"))
    user = User.objects.get(username="newcomer")
    form = {"usable_password": "true", "password1": "another horse battery", "password2": "another horse battery"}
    client.post(f"{USERS}{user.pk}/password/", form)
    client.post(f"{USERS}{user.pk}/delete/", {"post": "yes"})
    assert audit() == [("add user", "newcomer"), ("change user", "newcomer"), ("delete user", "newcomer")]


@pytest.mark.parametrize("role", ["viewer", "operator", "nobody"])
def test_nobody_else_makes_or_changes_users(log_in: LogIn, role: str) -> None:
    client = log_in(role)
    me = User.objects.get()
    assert client.post(f"{USERS}add/", new_user("administrator")).status_code == 403
    assert client.post(f"{USERS}{me.pk}/change/", {"username": me.username, "is_superuser": "on"}).status_code == 403
    assert client.post(f"{USERS}{me.pk}/password/", {}).status_code == 403
    assert not User.objects.get().is_superuser
    assert audit() == []


def test_the_audit_cannot_be_changed_by_anybody(log_in: LogIn) -> None:
    client = log_in("superuser")
    entry = AuditEntry.objects.create(actor="a", action="b", outcome="done")
    for page in ("add/", f"{entry.pk}/change/", f"{entry.pk}/delete/"):
        assert client.post(f"/admin/access/auditentry/{page}", {"post": "yes", "actor": "x"}).status_code == 403
    assert AuditEntry.objects.get().actor == "a"
