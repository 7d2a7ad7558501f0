"""Every error of the REST views is a problem that names what is wrong and what would be right."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection as django_connection
from django.test import Client

from indexer.chains.connections import Connection
from tests.positions.lookup_rows import add_job, contract, start

JOBS = "/api/v1/chains/hilltop/jobs"
POOLS = "/api/v1/pools"
ADDRESSES = f"{POOLS}/hilltop/0x{contract(1).hex()}/addresses"


def problem(response: Any, status: int) -> dict[str, Any]:
    """The body, once its shape is as it must be."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) - {"errors"} == {"type", "title", "status", "detail"}
    assert (body["type"], body["status"]) == ("about:blank", status)
    return body


@pytest.mark.parametrize(
    ("path", "parameter", "said"),
    [
        (JOBS + "?colour=red", "colour", "Unknown parameter 'colour'. Known are: state, protocol,"),
        ("/api/v1/chains?limit=3", "limit", "Known are: none."),
        ("/api/v1/chains/hilltop?limit=3", "limit", "Known are: none."),
        (JOBS + "?state=busy", "state", "It is one of new, pending, complete, put aside, disabled, retired."),
        (JOBS + "?state=new&state=pending", "state", "given more than once"),
        (JOBS + "?protocol=", "protocol", "protocol is empty: leave it out"),
        (JOBS + "?protocol=a%00b", "protocol", "Null characters are not allowed."),
        (JOBS + "?protocol=" + "a" * 201, "protocol", "at most 200"),
        (JOBS + "?contract=0x12", "contract", "not an address"),
        (JOBS + "?has_error=maybe", "has_error", "It is true or false."),
        (JOBS + "?limit=0", "limit", "greater than or equal to 1"),
        (JOBS + "?limit=1001", "limit", "less than or equal to 1000"),
        (JOBS + "?limit=1.0", "limit", "A whole number"),
        (JOBS + "?limit=" + "9" * 5000, "limit", "A whole number"),
        (JOBS + "?cursor=abc", "cursor", "take it from `next`"),
        (JOBS + "?cursor=21474836480", "cursor", "take it from `next`"),
        (POOLS + "?cursor=1", "cursor", "take it from `next`"),
        (POOLS + "?cursor=x:0x" + "00" * 20, "cursor", "take it from `next`"),
        (ADDRESSES + "?cursor=0x12", "cursor", "take it from `next`"),
        ("/support?includeProtocolTokens=1", "includeProtocolTokens", "It is true or false."),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_it(client: Client, path: str, parameter: str, said: str) -> None:
    body = problem(client.get(path), 400)
    assert [fault["parameter"] for fault in body["errors"]] == [parameter]
    assert said in body["errors"][0]["detail"]
    assert body["detail"] == body["errors"][0]["detail"]


def test_all_that_is_wrong_is_named_at_once(client: Client) -> None:
    errors = problem(client.get(JOBS + "?colour=red&limit=0&contract=1"), 400)["errors"]
    assert {fault["parameter"] for fault in errors} == {"colour", "limit", "contract"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (POOLS + "?chain=atlantis", 400),
        (POOLS + "/hilltop/0x12", 400),
        (POOLS + "/atlantis/0x" + "00" * 20, 404),
        (ADDRESSES.replace("hilltop", "atlantis"), 404),
        ("/api/v1/chains/%00/jobs", 404),
        (JOBS + "/abc", 404),
        (JOBS + "/-1", 404),
    ],
)
def test_a_path_that_leads_nowhere_says_so(client: Client, path: str, status: int) -> None:
    assert problem(client.get(path), status)["detail"]


@pytest.mark.parametrize("path", [POOLS, "/api/v1/chains", "/support", JOBS + "/1"])
def test_another_method_is_a_405_that_names_those_there_are(client: Client, path: str) -> None:
    response = client.delete(path)
    assert "DELETE is not possible here; possible are GET" in problem(response, 405)["detail"]
    assert "GET" in response["Allow"]


def test_options_name_what_is_possible(client: Client) -> None:
    response = client.options(JOBS)
    assert (response.status_code, response["Allow"]) == (200, "GET, POST, HEAD, OPTIONS")


@pytest.mark.parametrize("accepted", ["text/html", "application/xml;q=0.9", "x", "///"])
def test_an_answer_that_nobody_takes_is_a_406(client: Client, accepted: str) -> None:
    detail = problem(client.get(POOLS, headers={"accept": accepted}), 406)["detail"]
    assert detail == "Answers are application/json: let Accept allow that."


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_of_another_kind_is_a_415(operator: Client, kind: str) -> None:
    body = problem(operator.post(JOBS, b"{}", content_type=kind), 415)
    assert body["detail"] == "Send the body as Content-Type: application/json."


@pytest.mark.parametrize(
    "body", [b" ", b"{", b"\xff\xfe", b'{"enabled": tru}', b"[" * 200_000, b'"\\ud800"', b"{} {}", b"\x00"]
)
@pytest.mark.parametrize("path", [JOBS, "/api/v1/watch-lists"])
def test_a_body_that_is_not_json_is_a_400(operator: Client, path: str, body: bytes) -> None:
    detail = problem(operator.post(path, body, content_type="application/json"), 400)["detail"]
    assert detail.startswith("The body is not JSON")


def test_a_body_beyond_the_limit_is_a_413(operator: Client, settings: Any) -> None:
    settings.BODY_LIMIT = 50
    body = problem(operator.post(JOBS, b" " * 51, content_type="application/json"), 413)
    assert "50 bytes" in body["detail"]


def test_a_failing_server_is_a_500_that_tells_nothing_of_its_inside(client: Client, connection: Connection) -> None:
    connection.execute("UPDATE settings SET value = '\"damaged\"' WHERE key = 'final_block'")
    assert "damaged" not in problem(client.get("/api/v1/chains"), 500)["detail"]


@pytest.fixture
def _unreachable(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database is where nothing listens, and the list of chains is known from before."""
    client.get(POOLS)
    django_connection.close()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with monkeypatch.context() as patch:
            patch.setitem(django_connection.settings_dict, "PORT", str(nobody.getsockname()[1]))
            yield
            django_connection.close()


@pytest.mark.usefixtures("_unreachable")
@pytest.mark.parametrize(
    "path", [POOLS, ADDRESSES, "/api/v1/chains", "/api/v1/chains/hilltop", JOBS, JOBS + "/1", "/support"]
)
def test_without_its_database_the_server_says_503(client: Client, path: str) -> None:
    assert problem(client.get(path), 503)["detail"] == "The database does not answer; try again in some seconds."


def test_a_statement_that_takes_too_long_is_a_503_that_says_so(client: Client, connection: Connection) -> None:
    add_job(connection, contract(1))
    start(connection)
    client.get(POOLS)
    with django_connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '50ms'")
    try:
        with connection.transaction():
            connection.execute("LOCK TABLE jobs")
            detail = problem(client.get(ADDRESSES), 503)["detail"]
    finally:
        django_connection.close()
    assert detail.startswith("The database has given this up after STATEMENT_TIMEOUT")
