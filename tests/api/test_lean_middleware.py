"""Requests for hot paths pass by what is there for people, unless they bring a cookie as people do."""

import pytest
from django.conf import settings as project
from django.contrib.auth.models import Group, User
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from api.lean import HOT, Authentication, Messages, Sessions, StaticFiles
from indexer.access.scopes import VIEWER
from tests.positions.lookup_rows import USER_EIP55

ADDRESS = f"/api/v1/addresses/{USER_EIP55}"


def seen(path: str, **headers: str) -> set[str]:
    """What middleware for people has left on a request."""
    found: set[str] = set()

    def view(request: HttpRequest) -> HttpResponse:
        found.update(name for name in ("session", "user", "_messages") if hasattr(request, name))
        return HttpResponse()

    Sessions(Authentication(Messages(view)))(RequestFactory().get(path, **headers))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("path", [ADDRESS, "/api/v1/addresses/lookup", f"/user-pools/{USER_EIP55}"])
def test_a_lookup_without_a_cookie_passes_by(path: str) -> None:
    assert seen(path) == set()


@pytest.mark.parametrize("path", ["/admin/", "/", "/health", "/api/v1/chains", "/api/v1/addresses", "/static/a.css"])
def test_other_paths_do_not(path: str) -> None:
    assert seen(path) == {"session", "user", "_messages"}


def test_a_lookup_with_a_cookie_does_not(client: Client) -> None:
    assert seen(ADDRESS, HTTP_COOKIE="theme=dark") == {"session", "user", "_messages"}


def test_a_login_counts_on_a_hot_path(client: Client, settings: Settings) -> None:
    settings.PUBLIC_READ = False
    User.objects.filter(username="lean").delete()
    user = User.objects.create_user("lean", password="correct horse")
    user.groups.add(Group.objects.get(name=VIEWER.name))
    assert client.get(ADDRESS).status_code == 401
    client.force_login(user)
    assert client.get(ADDRESS).status_code == 200
    user.delete()
    assert client.get(ADDRESS).status_code == 401


def test_the_project_uses_them_and_its_checks_agree() -> None:
    names = {f"api.lean.{middleware.__name__}" for middleware in (StaticFiles, Sessions, Authentication, Messages)}
    assert names < set(project.MIDDLEWARE)
    assert not [problem for problem in run_checks() if problem.id and problem.id.startswith("admin.")]


def test_static_files_lie_under_no_hot_path() -> None:
    assert not ("/" + project.STATIC_URL.lstrip("/")).startswith(HOT)
