"""While maintenance is on, no change is made over REST, and lookups go on."""

import json
from typing import Any

import pytest
from django.test import Client

from indexer.access.scopes import OPERATOR, VIEWER
from indexer.chains.connections import Connection
from indexer.workers.live import MAINTENANCE
from indexer.workers.live_changes import reset, set_value
from indexer.workers.live_values import web_values
from tests.api.changes import EVERY_CHANGE, Change, state, with_key, with_login
from tests.api.problems import problem
from tests.api.routes import ROUTES
from tests.market.listed import market
from tests.positions.lookup_rows import USER_EIP55, add_job, contract, start

__all__ = ["market"]


@pytest.fixture
def maintenance(connection: Connection, tasks_told: None, market: None) -> int:
    """It is on; the first job of hilltop."""
    job = add_job(connection, contract(1))
    start(connection)
    set_value(MAINTENANCE.name, True, actor="ada", why="the database moves")
    web_values.forget()
    return job


def send(client: Client, change: Change, job: int) -> Any:
    path = ROUTES[change.pattern].path(job=job, run=change.run)
    return client.generic(change.method.upper(), path, json.dumps(change.body), content_type="application/json")


@EVERY_CHANGE
def test_no_change_is_made_meanwhile_and_it_is_made_afterwards(
    maintenance: int, connection: Connection, change: Change
) -> None:
    before = state(connection)
    client = with_key("k", set(OPERATOR.scopes))
    response = send(client, change, maintenance)
    assert "Maintenance is on, so nothing was changed" in problem(response, 503)["detail"]
    assert int(response["Retry-After"]) > 0
    assert state(connection) == before
    reset(MAINTENANCE.name, actor="ada")
    web_values.forget()
    assert send(client, change, maintenance).status_code in (200, 201)
    assert state(connection) != before


@EVERY_CHANGE
def test_whoever_may_not_change_anything_is_told_so_and_nothing_of_maintenance(
    maintenance: int, change: Change
) -> None:
    assert problem(send(Client(), change, maintenance), 401)
    assert problem(send(with_key("k", set(VIEWER.scopes)), change, maintenance), 403)
    assert problem(send(with_login(OPERATOR, token=False), change, maintenance), 403)


def test_what_reads_goes_on(maintenance: int, client: Client) -> None:
    for path in ("/", "/support", f"/user-pools/{USER_EIP55}", "/api/v1/chains", "/api/v1/chains/hilltop/jobs"):
        assert client.get(path).status_code == 200, path
    body = json.dumps({"addresses": [USER_EIP55]})
    assert client.post("/api/v1/addresses/lookup", body, content_type="application/json").status_code == 200
    assert client.options("/api/v1/chains/hilltop/jobs").status_code == 204
