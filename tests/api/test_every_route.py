"""What holds for every route: which methods it has, who may ask, and what pages of other origins may."""

from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver
from pytest_django import Settings

from indexer.access.keys import make_key
from indexer.access.scopes import READ, WRITE_JOBS
from indexer.chains.connections import Connection
from tests.api.problems import problem
from tests.api.routes import METHODS, ROUTES, Route
from tests.market.listed import market
from tests.positions.lookup_rows import USER_EIP55, add_job, contract, start

__all__ = ["market"]

OPEN = {"", "health", "health/live", "health/ready"}
"""For load balancers, and for whoever wonders what this is."""
NOT_FOR_PAGES = {"", "metrics"}
LOOKUP = {"addresses": [USER_EIP55]}
WALLET = "https://wallet.example"

EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES.values(), ids=[f"/{pattern}" for pattern in ROUTES])


@pytest.fixture
def job(client: Client, connection: Connection, market: None, tasks_told: None) -> int:
    job = add_job(connection, contract(1))
    start(connection)
    return job


def read(client: Client, route: Route, job: int, **headers: str) -> Any:
    """Ask as its reader does: by GET where there is one, else by the lookup's POST."""
    if "get" in route.methods:
        return client.get(route.path(job=job), headers=headers)
    return client.post(route.path(job=job), LOOKUP, content_type="application/json", headers=headers)


def reads(route: Route) -> bool:
    return "get" in route.methods or route.pattern == "api/v1/addresses/lookup"


def test_the_api_is_all_there_is_besides_the_admin() -> None:
    assert len(ROUTES) > 15
    included = [each for each in get_resolver().url_patterns if isinstance(each, URLResolver)]
    assert [str(each.pattern) for each in included] == ["admin/", ""]


@EVERY_ROUTE
def test_head_says_what_get_says(client: Client, job: int, route: Route) -> None:
    path = route.path(job=job)
    head, get = client.head(path), client.get(path)
    assert head.status_code == get.status_code == (200 if "get" in route.methods else 405)
    assert head["Content-Type"] == get["Content-Type"]
    assert head.content == b""


@EVERY_ROUTE
def test_options_say_what_is_possible_and_nothing_else(client: Client, job: int, route: Route) -> None:
    response = client.options(route.path(job=job))
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response
    possible = {method.upper() for method in route.methods} | {"OPTIONS"}
    assert set(response["Allow"].split(", ")) == possible | ({"HEAD"} if "GET" in possible else set())


@EVERY_ROUTE
def test_another_method_is_a_405_that_names_those_there_are(client: Client, job: int, route: Route) -> None:
    allowed = client.options(route.path(job=job))["Allow"]
    for method in {*METHODS, "trace", "brew", "view_class", "dispatch"} - set(route.methods):
        response = Client(enforce_csrf_checks=True).generic(method.upper(), route.path(job=job))
        said = f"{method.upper()} is not possible here; possible are {allowed}."
        assert problem(response, 405)["detail"] == said
        assert response["Allow"] == allowed


@pytest.mark.parametrize("route", [route for route in ROUTES.values() if route.pattern])
def test_a_slash_more_is_another_path(client: Client, job: int, route: Route) -> None:
    problem(client.get(route.path(job=job, more="/")), 404)


@EVERY_ROUTE
def test_where_reading_is_not_public_every_route_asks_who_reads(
    client: Client, job: int, settings: Settings, route: Route
) -> None:
    settings.PUBLIC_READ = False
    if route.pattern in OPEN:
        assert read(client, route, job).status_code in (200, 503)
        return
    reader = make_key("reader", [READ], created_by="test").text
    writer = make_key("writer", [WRITE_JOBS], created_by="test").text
    path = route.path(job=job)
    for method in ("OPTIONS", "DELETE", *(["GET", "HEAD"] if "get" in route.methods else [])):
        assert client.generic(method, path).status_code == 401, method
        assert client.generic(method, path, headers={"x-api-key": writer}).status_code == 403, method
    if reads(route):
        assert "scope read" in problem(read(client, route, job), 401)["detail"]
        refused = problem(read(client, route, job, **{"x-api-key": writer}), 403)
        assert refused["detail"].startswith("key:writer lacks the scope read")
        assert read(client, route, job, **{"x-api-key": reader}).status_code == 200


@EVERY_ROUTE
@pytest.mark.parametrize("public", [True, False])
def test_a_page_of_a_named_origin_may_ask_first_what_it_may_ask(
    client: Client, job: int, settings: Settings, route: Route, public: bool
) -> None:
    settings.PUBLIC_READ = public
    settings.CORS_ALLOWED_ORIGINS = [WALLET]

    def preflight(origin: str) -> Any:
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
        return client.options(route.path(job=job), headers={"origin": origin, **asked})

    assert preflight(WALLET).get("Access-Control-Allow-Origin") == (None if route.pattern in NOT_FOR_PAGES else WALLET)
    assert "Access-Control-Allow-Origin" not in preflight("https://elsewhere.example")
