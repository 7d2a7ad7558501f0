"""What the lean views' description promises is what they answer."""

from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from api import openapi_lean
from indexer.chains.connections import Connection
from tests.positions.lookup_rows import USER_EIP55, add_job, add_log, add_metadata, contract, start

ADDRESS = f"/api/v1/addresses/{USER_EIP55}"
LOOKUP = "/api/v1/addresses/lookup"
COMPATIBLE = f"/user-pools/{USER_EIP55}"


def check(value: object, schema: dict[str, Any]) -> None:
    """Raises where a value does not fit a schema of the document."""
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    validator({**schema, "components": {"schemas": openapi_lean.SCHEMAS}}).validate(value)


@pytest.fixture
def _filled(connection: Connection) -> None:
    job = add_job(connection, contract(1), metadata="tokenId")
    add_log(connection, job, 5)
    add_metadata(connection, job, "tokenId", "7")
    for number in range(2, 110):
        add_job(connection, contract(number), covered=False)
    start(connection)


@pytest.mark.usefixtures("_filled")
@pytest.mark.parametrize(
    ("path", "described", "query"),
    [
        (ADDRESS, "/api/v1/addresses/{address}", ""),
        (ADDRESS, "/api/v1/addresses/{address}", "?chain=hilltop&check_also=all"),
        (COMPATIBLE, "/user-pools/{address}", ""),
        (COMPATIBLE, "/user-pools/{address}", "?include=check_also"),
    ],
)
def test_answers_fit_their_schemas(client: Client, path: str, described: str, query: str) -> None:
    responses = openapi_lean.PATHS[described]["get"]["responses"]
    good = client.get(path + query)
    check(good.json(), responses["200"]["content"]["application/json"]["schema"])
    assert {name for name in responses["200"]["headers"] if name != "Footprint-Incomplete"} <= set(good.headers)
    bad = client.get(path + "?nonsense=1")
    check(bad.json(), responses["400"]["content"]["application/problem+json"]["schema"])


@pytest.mark.usefixtures("_filled")
def test_a_batch_fits_its_schemas(client: Client) -> None:
    described = openapi_lean.PATHS[LOOKUP]["post"]
    body = described["requestBody"]["content"]["application/json"]
    question = {"addresses": [USER_EIP55], "chains": ["hilltop"]}
    check(question, body["schema"])
    answer = client.post(LOOKUP, question, content_type="application/json").json()
    assert answer["addresses"][0]["chains"]
    check(answer, described["responses"]["200"]["content"]["application/json"]["schema"])


def test_examples_fit_their_schemas() -> None:
    checked = 0
    for item in openapi_lean.PATHS.values():
        for operation in item.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (each for body in bodies for each in body.get("content", {}).values() if "example" in each):
                check(content["example"], content["schema"])
                checked += 1
            for parameter in operation.get("parameters", []):
                check(parameter["example"], parameter["schema"])
                checked += 1
    assert checked > 8


def test_every_path_is_one_that_is_served() -> None:
    served = {str(pattern.pattern) for pattern in get_resolver("api.urls").url_patterns}
    for path in openapi_lean.PATHS:
        assert path.strip("/").replace("{address}", "<str:address>") in served


def test_it_can_be_made_without_django() -> None:
    assert openapi_lean.PATHS[LOOKUP]["post"]["requestBody"]["required"]
    operations = [operation["operationId"] for item in openapi_lean.PATHS.values() for operation in item.values()]
    assert len(set(operations)) == len(operations) == 3
