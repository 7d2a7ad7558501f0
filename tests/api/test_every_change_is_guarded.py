"""Whoever changes something must be known, may do it, and cannot be made to by a page of somebody else's."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from api.resource import Resource
from api.rest import RestView
from indexer.access.keys import make_key
from indexer.access.models import ApiKey, AuditEntry
from indexer.access.scopes import OPERATOR, READ, SCOPES, VIEWER, WRITE_JOBS, WRITE_WATCHES
from indexer.chains.connections import Connection
from tests.positions.lookup_rows import add_job, contract, start
from tests.positions.world import A, watch

JOBS = "/api/v1/chains/hilltop/jobs"
NEW = {"contract": "0x" + contract(7).hex(), "event": "Transfer", "protocol": "p", "product": "q"}
# method, path with a job's id, body, the scope it needs
CHANGES = [
    ("post", JOBS, NEW, WRITE_JOBS),
    ("patch", JOBS + "/{job}", {"enabled": False}, WRITE_JOBS),
    ("post", JOBS + "/{job}/rescan", {"from_block": 0}, WRITE_JOBS),
    ("post", "/api/v1/watch-lists", watch({A: "Transfer"}), WRITE_WATCHES),
]
EVERY_CHANGE = pytest.mark.parametrize(("method", "path", "body", "scope"), CHANGES)


@pytest.fixture
def job(client: Client, connection: Connection) -> Iterator[int]:
    clear()
    job = add_job(connection, contract(1))
    start(connection)
    yield job
    clear()


def clear() -> None:
    for model in (AuditEntry, ApiKey, User):
        model.objects.all().delete()


def ask(client: Client, method: str, path: str, body: object, job: int, **headers: str) -> Any:
    return client.generic(
        method.upper(), path.format(job=job), json.dumps(body), content_type="application/json", headers=headers
    )


def state(connection: Connection) -> list[Any]:
    return connection.execute("SELECT id, enabled, covered, live_from FROM jobs ORDER BY id").fetchall()


@EVERY_CHANGE
def test_nobody_changes_anything(
    client: Client, connection: Connection, job: int, method: str, path: str, body: object, scope: str
) -> None:
    before = state(connection)
    response = ask(client, method, path, body, job)
    assert response.status_code == 401
    assert scope in response.json()["detail"]
    assert state(connection) == before
    assert not AuditEntry.objects.exists()


@EVERY_CHANGE
def test_a_key_without_the_scope_changes_nothing(
    client: Client, connection: Connection, job: int, method: str, path: str, body: object, scope: str
) -> None:
    before = state(connection)
    others = sorted(set(SCOPES) - {scope})
    key = make_key("other", others, created_by="test").text
    response = ask(client, method, path, body, job, authorization=f"Bearer {key}")
    assert response.status_code == 403
    assert response.json()["detail"].startswith(f"key:other lacks the scope {scope}")
    assert state(connection) == before
    assert not AuditEntry.objects.exists()


@EVERY_CHANGE
def test_a_key_with_the_scope_alone_changes_it_and_is_recorded(
    client: Client, connection: Connection, job: int, method: str, path: str, body: object, scope: str
) -> None:
    before = state(connection)
    key = make_key("right", [scope], created_by="test").text
    assert ask(client, method, path, body, job, **{"x-api-key": key}).status_code in (200, 201)
    assert state(connection) != before
    assert [entry.actor for entry in AuditEntry.objects.all()] == ["key:right"]


@EVERY_CHANGE
def test_a_login_needs_a_csrf_token_besides_its_role(
    connection: Connection, job: int, method: str, path: str, body: object, scope: str
) -> None:
    before = state(connection)
    client = Client(enforce_csrf_checks=True)
    user = User.objects.create_user("ada", password="correct horse")
    client.force_login(user)
    user.groups.add(Group.objects.get(name=VIEWER.name))
    assert ask(client, method, path, body, job).status_code == 403
    user.groups.add(Group.objects.get(name=OPERATOR.name))
    lured = ask(client, method, path, body, job)
    assert lured.status_code == 403
    assert "CSRF" in lured.json()["detail"]
    assert state(connection) == before
    token = "a" * 32
    client.cookies["csrftoken"] = token
    assert ask(client, method, path, body, job, **{"x-csrftoken": token}).status_code in (200, 201)
    assert [entry.actor for entry in AuditEntry.objects.all()] == ["ada"]


def rest_views() -> Iterator[type[RestView]]:
    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[type[RestView]]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            else:
                view = getattr(pattern.callback, "cls", None)
                if isinstance(view, type) and issubclass(view, RestView):
                    yield view

    return walk(get_resolver().url_patterns)


def test_the_changes_tested_here_are_all_there_are() -> None:
    unsafe = [
        (method, view.write_scope)
        for view in rest_views()
        for method in ("put", "post", "patch", "delete")
        if hasattr(view, method)
    ]
    assert sorted(unsafe, key=str) == sorted(((method, scope) for method, _, _, scope in CHANGES), key=str)


class Forgetful(RestView):
    def post(self, request: Request) -> Response:
        return Response({"done": True})


def test_a_view_that_forgets_its_scope_is_closed(client: Client) -> None:
    ApiKey.objects.all().delete()
    key = make_key("all", sorted(SCOPES), created_by="test").text
    request = APIRequestFactory().post("/", headers={"authorization": f"Bearer {key}"})
    assert Forgetful.as_view()(request).status_code == 403
    ApiKey.objects.all().delete()


def test_reading_asks_for_the_scope_read(client: Client, settings: Settings) -> None:
    settings.PUBLIC_READ = False
    ApiKey.objects.all().delete()
    Resource.chains.forget()
    reader = make_key("reader", [READ], created_by="test").text
    writer = make_key("writer", [WRITE_JOBS], created_by="test").text
    for where in ("/api/v1/chains", "/api/v1/pools", JOBS, "/support"):
        assert client.get(where).status_code == 401
        assert client.get(where, headers={"x-api-key": writer}).status_code == 403
        assert client.get(where, headers={"x-api-key": reader}).status_code == 200
    ApiKey.objects.all().delete()
