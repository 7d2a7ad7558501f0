"""Whoever changes something must be known, may do it, and cannot be made to by a page of somebody else's."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.test import Client
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from api.lookups import Lookups
from api.rest import RestView
from indexer.access.keys import make_key
from indexer.access.models import AuditEntry
from indexer.access.scopes import OPERATOR, SCOPES, VIEWER
from indexer.chains.connections import Connection
from tests.api.changes import CHANGES, EVERY_CHANGE, Change, state, with_key, with_login
from tests.api.problems import problem
from tests.api.routes import ROUTES
from tests.market.listed import market
from tests.positions.lookup_rows import add_job, contract, start

__all__ = ["market"]


def test_the_changes_tested_here_are_all_there_are() -> None:
    unsafe = {
        (method, route.pattern)
        for route in ROUTES.values()
        for method in route.methods
        if method != "get" and route.view is not Lookups
    }
    assert unsafe == {(change.method, change.pattern) for change in CHANGES}


def test_lookups_which_need_no_token_change_nothing() -> None:
    assert not issubclass(Lookups, RestView)
    assert {method for route in ROUTES.values() if route.view is Lookups for method in route.methods} == {"post"}


def nobody(scope: str) -> Client:
    return Client(enforce_csrf_checks=True)


class Somebody(NamedTuple):
    """`refused` is the status and what its detail names, None where `actor` may change something."""

    client: Callable[[str], Client]
    refused: tuple[int, str] | None
    actor: str = ""


CALLERS = {
    "nobody": Somebody(nobody, (401, "the scope {scope}")),
    "a viewer's key": Somebody(lambda scope: with_key("k", set(VIEWER.scopes)), (403, "key:k lacks the scope {scope}")),
    "a key of all other scopes": Somebody(
        lambda scope: with_key("k", set(SCOPES) - {scope}), (403, "key:k lacks the scope {scope}")
    ),
    "a key of this scope alone": Somebody(lambda scope: with_key("k", {scope}), None, "key:k"),
    "an operator's key": Somebody(lambda scope: with_key("k", set(OPERATOR.scopes)), None, "key:k"),
    "a login without a role": Somebody(
        lambda scope: with_login(None, token=True), (403, "ada lacks the scope {scope}")
    ),
    "a viewer's login": Somebody(lambda scope: with_login(VIEWER, token=True), (403, "ada lacks the scope {scope}")),
    # As by a page of somebody else's.
    "an operator's login without a token": Somebody(lambda scope: with_login(OPERATOR, token=False), (403, "CSRF")),
    "an operator's login": Somebody(lambda scope: with_login(OPERATOR, token=True), None, "ada"),
}


@pytest.fixture
def job(client: Client, connection: Connection, tasks_told: None, market: None) -> int:
    job = add_job(connection, contract(1))
    start(connection)
    return job


@EVERY_CHANGE
@pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS)
def test_whoever_may_not_changes_nothing_and_whoever_may_is_recorded(
    connection: Connection, job: int, change: Change, caller: Somebody
) -> None:
    before = state(connection)
    path, body = ROUTES[change.pattern].path(job=job, run=change.run), json.dumps(change.body)
    client = caller.client(change.scope)
    response: Any = client.generic(change.method.upper(), path, body, content_type="application/json")
    actors = [entry.actor for entry in AuditEntry.objects.all()]
    if caller.refused:
        status, said = caller.refused
        assert said.format(scope=change.scope) in problem(response, status)["detail"]
        assert (state(connection), actors) == (before, [])
    else:
        assert response.status_code in (200, 201)
        assert state(connection) != before
        assert actors == [caller.actor]


class Forgetful(RestView):
    def post(self, request: Request) -> Response:
        return Response({"done": True})


def test_a_view_that_forgets_its_scope_is_closed(client: Client) -> None:
    key = make_key("all", sorted(SCOPES), created_by="test").text
    request = APIRequestFactory().post("/", headers={"authorization": f"Bearer {key}"})
    assert Forgetful.as_view()(request).status_code == 403
