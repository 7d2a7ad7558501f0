"""People with a role, logged in to the admin; what they leave behind is committed and goes with them."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from indexer.chains.models import Chain

LogIn = Callable[[str], Client]


def make_user(role: str, password: str | None = None) -> User:
    """A user of the role's group, or a superuser; somebody without a role for anything else. Hashing takes its time."""
    user = User.objects.create_user(f"some-{role}", password=password, is_staff=True)
    if role == "superuser":
        user.is_superuser = True
        user.save()
    else:
        user.groups.set(Group.objects.filter(name=role))
    return user


@pytest.fixture
def log_in(chains: list[Chain]) -> LogIn:
    """Gives a client that is logged in with a role; the session speaks of hilltop, the first chain."""

    def log_in(role: str) -> Client:
        client = Client()
        client.force_login(make_user(role))
        return client

    return log_in
