"""Users in the admin: a role is given with the user, every change is in the audit, and only administrators make one."""

import pytest
from django.contrib.auth.models import Group, User

from indexer.access.models import AuditEntry
from tests.people import LogIn, make_user

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


def outcomes() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("outcome", flat=True))


def test_the_audit_says_what_a_user_may_do_from_then_on(log_in: LogIn) -> None:
    client = log_in("superuser")
    client.post(f"{USERS}add/", new_user("viewer"))
    user = User.objects.get(username="newcomer")
    form = {"username": "newcomer", "is_staff": "on", "is_active": "on", "groups": new_user("operator")["groups"]}
    client.post(f"{USERS}{user.pk}/change/", form)
    client.post(f"{USERS}{user.pk}/change/", form | {"is_superuser": "on"})
    client.post(f"{USERS}{user.pk}/change/", {"username": "newcomer"})
    assert outcomes() == [
        "done; now viewer",
        "Changed Groups.; now operator",
        "Changed Superuser status.; now operator, superuser",
        "Changed Groups, Staff status, Superuser status and Active.; now without a role, no staff, inactive",
    ]


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


def test_ones_own_new_password_is_audited_and_a_refused_one_is_not(log_in: LogIn) -> None:
    client = log_in("viewer")
    me = User.objects.get()
    me.set_password("correct horse staple")
    me.save()
    client.force_login(me)
    form = {"old_password": "wrong", "new_password1": "another horse battery", "new_password2": "another horse battery"}
    assert client.post("/admin/password_change/", form).status_code == 200
    assert audit() == []
    answer = client.post("/admin/password_change/", form | {"old_password": "correct horse staple"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/password_change/done/")
    assert User.objects.get().check_password("another horse battery")
    assert audit() == [("change password", "some-viewer")]


@pytest.mark.parametrize("role", ["viewer", "operator", "nobody"])
def test_nobody_else_makes_or_changes_users(log_in: LogIn, role: str) -> None:
    client = log_in(role)
    me = User.objects.get()
    assert client.post(f"{USERS}add/", new_user("administrator")).status_code == 403
    assert client.post(f"{USERS}{me.pk}/change/", {"username": me.username, "is_superuser": "on"}).status_code == 403
    assert client.post(f"{USERS}{me.pk}/password/", {}).status_code == 403
    assert not User.objects.get().is_superuser
    assert audit() == []


def test_an_administrator_makes_no_superuser_and_takes_none_over(log_in: LogIn) -> None:
    client = log_in("administrator")
    me, chief = User.objects.get(), make_user("superuser", "correct horse staple")
    mine = {
        "username": me.username,
        "is_staff": "on",
        "is_active": "on",
        "groups": [group.pk for group in me.groups.all()],
    }
    assert client.post(f"{USERS}{me.pk}/change/", mine | {"is_superuser": "on"}).status_code == 302
    assert not User.objects.get(pk=me.pk).is_superuser
    password = {"usable_password": "true", "password1": "another horse battery", "password2": "another horse battery"}
    assert client.post(f"{USERS}{chief.pk}/password/", password).status_code == 403
    assert client.post(f"{USERS}{chief.pk}/change/", mine | {"username": "chief"}).status_code == 403
    assert client.post(f"{USERS}{chief.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(USERS, {"action": "delete_selected", "_selected_action": [chief.pk, me.pk], "post": "yes"})
    assert User.objects.count() == 2
    assert User.objects.get(pk=chief.pk).check_password("correct horse staple")


def test_a_superuser_makes_another(log_in: LogIn) -> None:
    client, other = log_in("superuser"), make_user("viewer")
    form = {"username": other.username, "is_staff": "on", "is_active": "on", "is_superuser": "on"}
    assert client.post(f"{USERS}{other.pk}/change/", form).status_code == 302
    assert User.objects.get(pk=other.pk).is_superuser


def test_the_audit_cannot_be_changed_by_anybody(log_in: LogIn) -> None:
    client = log_in("superuser")
    entry = AuditEntry.objects.create(actor="a", action="b", outcome="done")
    for page in ("add/", f"{entry.pk}/change/", f"{entry.pk}/delete/"):
        assert client.post(f"/admin/access/auditentry/{page}", {"post": "yes", "actor": "x"}).status_code == 403
    assert AuditEntry.objects.get().actor == "a"
