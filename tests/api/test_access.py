"""Who may read: everybody where reading is public, otherwise a key or a login."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from indexer.access.keys import make_key
from indexer.access.scopes import READ, VIEWER, WRITE_JOBS
from tests.positions.lookup_rows import USER_EIP55

ADDRESS = f"/api/v1/addresses/{USER_EIP55}"


def with_key(client: Client, text: str) -> Any:
    return client.get(ADDRESS, headers={"authorization": f"Bearer {text}"})


def test_reading_is_public_by_default_and_a_setting_ends_that(client: Client, settings: Settings) -> None:
    assert client.get(ADDRESS).status_code == 200
    settings.PUBLIC_READ = False
    refused = client.get(ADDRESS)
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"].startswith("Bearer")
    assert "needs an API key or a login with the scope read" in refused.json()["detail"]


def test_a_key_with_the_scope_reads(client: Client, settings: Settings) -> None:
    settings.PUBLIC_READ = False
    key = make_key("portfolio", [READ], created_by="test").text
    assert with_key(client, key).status_code == 200
    assert client.get(ADDRESS, headers={"x-api-key": key}).status_code == 200


def test_a_key_without_the_scope_is_a_403_that_names_both(client: Client, settings: Settings) -> None:
    settings.PUBLIC_READ = False
    refused = with_key(client, make_key("writer", [WRITE_JOBS], created_by="test").text)
    assert refused.status_code == 403
    assert refused.json()["detail"].startswith("key:writer lacks the scope read")


@pytest.mark.parametrize("header", ["Bearer fp_0000_guess", "Bearer ", "Basic dXNlcjpwYXNz", ""])
def test_a_wrong_key_is_noticed_even_where_none_is_needed(client: Client, header: str) -> None:
    assert client.get(ADDRESS, headers={"authorization": header}).status_code == 401


def test_a_spent_key_is_a_429_that_says_when_to_come_back(client: Client) -> None:
    key = make_key("small", [READ], created_by="test", requests_per_minute=1).text
    assert with_key(client, key).status_code == 200
    refused = with_key(client, key)
    assert refused.status_code == 429
    assert 50 < int(refused["Retry-After"]) <= 60


@pytest.mark.parametrize("path", [ADDRESS, "/api/v1/chains", "/api/v1/schema", "/api/v1/docs", "/metrics"])
def test_a_login_reads_by_its_role(client: Client, settings: Settings, path: str) -> None:
    settings.PUBLIC_READ = False
    user = User.objects.create_user("ada", password="correct horse")
    client.force_login(user)
    assert client.get(path).status_code == 403
    user.groups.add(Group.objects.get(name=VIEWER.name))
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/chains", "/api/v1/pools", "/support", "/metrics", ADDRESS])
def test_no_cache_on_the_way_keeps_what_not_everybody_may_read(client: Client, settings: Settings, path: str) -> None:
    settings.PUBLIC_READ = False
    key = make_key("portfolio", [READ], created_by="test").text
    answer = client.get(path, headers={"x-api-key": key})
    assert answer.status_code == 200
    assert "private" in answer["Cache-Control"]
