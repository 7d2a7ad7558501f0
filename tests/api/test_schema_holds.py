"""What the schema promises is what the API answers."""

from typing import Any

import pytest
from django.test import Client

from indexer.chains.connections import Connection
from tests.api.routes import ROUTES, Route
from tests.market.listed import market
from tests.positions.lookup_rows import USER_EIP55, add_job, add_log, add_metadata, contract, start

__all__ = ["market"]

JSON = "application/json"
LOOKUP = "/api/v1/addresses/lookup"


@pytest.fixture
def schema(client: Client) -> Any:
    return client.get("/api/v1/schema").json()


@pytest.fixture
def job(connection: Connection, market: None, tasks_told: None) -> int:
    job = add_job(connection, contract(1), metadata="tokenId")
    add_log(connection, job, 5)
    add_metadata(connection, job, "tokenId", "7")
    for number in range(2, 110):
        add_job(connection, contract(number), covered=False)
    start(connection)
    return job


def check(schema: Any, value: object, kind: dict[str, Any]) -> None:
    """Raises where a value does not fit a schema of the document."""
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    validator({**kind, "components": schema["components"]}).validate(value)


def described(route: Route) -> str:
    return "/" + route.pattern.replace("<str:", "{").replace("<int:", "{").replace(">", "}")


READ = [
    route for route in ROUTES.values() if "get" in route.methods and route.pattern not in ("metrics", "api/v1/docs")
]


@pytest.mark.parametrize("route", READ, ids=described)
def test_answers_and_refusals_fit_their_schemas(client: Client, job: int, schema: Any, route: Route) -> None:
    responses = schema["paths"][described(route)]["get"]["responses"]
    good = client.get(route.path(job=job))
    here = responses[str(good.status_code)]
    check(schema, good.json(), here["content"][JSON]["schema"])
    assert set(here.get("headers", ())) - {"Footprint-Incomplete"} <= set(good.headers)
    bad = client.get(route.path(job=job, nonsense="1"))
    if bad.status_code == 400:
        assert "400" in responses
        check(schema, bad.json(), {"$ref": "#/components/schemas/ProblemDetails"})


@pytest.mark.parametrize(
    ("path", "route"),
    [
        (f"/api/v1/addresses/{USER_EIP55}?chain=hilltop&check_also=all", "/api/v1/addresses/{address}"),
        (f"/user-pools/{USER_EIP55}?include=check_also", "/user-pools/{address}"),
        ("/support?includeProtocolTokens=true", "/support"),
    ],
)
@pytest.mark.usefixtures("job")
def test_answers_to_parameters_fit_their_schemas(client: Client, schema: Any, path: str, route: str) -> None:
    content = schema["paths"][route]["get"]["responses"]["200"]["content"]
    check(schema, client.get(path).json(), content[JSON]["schema"])


@pytest.mark.usefixtures("job")
def test_a_batch_fits_its_schemas(client: Client, schema: Any) -> None:
    operation = schema["paths"][LOOKUP]["post"]
    question = {"addresses": [USER_EIP55], "chains": ["hilltop"]}
    check(schema, question, operation["requestBody"]["content"][JSON]["schema"])
    answer = client.post(LOOKUP, question, content_type=JSON).json()
    assert answer["addresses"][0]["chains"]
    check(schema, answer, operation["responses"]["200"]["content"][JSON]["schema"])


def test_examples_fit_their_schemas(schema: Any) -> None:
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            contents = list(operation.get("requestBody", {}).get("content", {}).values())
            for status, response in operation["responses"].items():
                found = list(response.get("content", {}).values())
                assert status not in ("200", "201") or all("example" in content for content in found), (method, path)
                contents += found
            for content in contents:
                named = [each["value"] for each in content.get("examples", {}).values()]
                for example in [*named, *([content["example"]] if "example" in content else [])]:
                    check(schema, example, content["schema"])
            for parameter in operation.get("parameters", []):
                if "example" in parameter:
                    check(schema, parameter["example"], parameter["schema"])
