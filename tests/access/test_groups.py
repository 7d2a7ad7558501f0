"""The roles are there after every migration, with the permissions that they promise."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command

from indexer.access.callers import Caller, Forbidden, Unauthenticated, caller_of_user, require
from indexer.access.scopes import OPERATOR, READ, ROLES, SCOPES, WRITE_JOBS

pytestmark = pytest.mark.django_db


def user_with(*roles: str, is_active: bool = True, is_superuser: bool = False) -> User:
    user = User.objects.create_user("ada", is_active=is_active, is_superuser=is_superuser)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def test_viewers_see_all_and_change_nothing() -> None:
    user = user_with("viewer")
    assert user.has_perms(["positions.view_job", "chains.view_chain", "access.view_auditentry"])
    assert {name.split(".")[1].split("_")[0] for name in user.get_all_permissions()} == {"view"}


def test_operators_change_jobs_and_no_users() -> None:
    user = user_with("operator")
    assert user.has_perm("positions.change_job")
    assert not user.has_perm("auth.change_user")
    assert not user.has_perm("access.add_apikey")


def test_administrators_do_everything() -> None:
    assert user_with("administrator").has_perms(["auth.change_user", "access.add_apikey", "positions.change_job"])


def test_groups_that_somebody_damaged_are_mended_by_the_next_migration() -> None:
    Group.objects.get(name="viewer").permissions.clear()
    call_command("migrate_schemas", shared=True, verbosity=0)
    assert user_with("viewer").has_perm("positions.view_job")


def test_a_user_has_the_scopes_of_all_roles() -> None:
    caller = caller_of_user(user_with("viewer", "operator"))
    assert caller == Caller("ada", OPERATOR.scopes)


def test_a_superuser_has_every_scope() -> None:
    assert caller_of_user(user_with(is_superuser=True)) == Caller("ada", frozenset(SCOPES))


def test_nobody_and_an_inactive_user_are_no_callers() -> None:
    assert caller_of_user(user_with("operator", is_active=False)) is None


def test_who_lacks_a_scope_is_told_which() -> None:
    with pytest.raises(Forbidden, match="ada lacks the scope write:jobs"):
        require(Caller("ada", frozenset({READ})), WRITE_JOBS)
    with pytest.raises(Unauthenticated, match="write:jobs"):
        require(Caller("", frozenset({READ})), WRITE_JOBS)


def test_every_role_may_read() -> None:
    assert all(READ in role.scopes and role.scopes <= set(SCOPES) for role in ROLES.values())
