"""GET /api/v1/schema: the API says of itself what there is, who may, and what goes wrong."""

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

METHODS = ("get", "post", "patch", "put", "delete")


@pytest.fixture
def schema(client: Client) -> Any:
    response = client.get("/api/v1/schema")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    return response.json()


def operations(schema: Any) -> list[tuple[str, str, Any]]:
    return [
        (path, method, item[method]) for path, item in schema["paths"].items() for method in METHODS if method in item
    ]


def test_it_is_valid_and_complete(tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


def test_every_route_of_the_api_is_in_it(schema: Any) -> None:
    assert {f"{method} {path}" for path, method, _ in operations(schema)} >= {
        "get /api/v1/chains",
        "get /api/v1/chains/{chain}",
        "get /api/v1/chains/{chain}/jobs",
        "post /api/v1/chains/{chain}/jobs",
        "get /api/v1/chains/{chain}/jobs/{job}",
        "patch /api/v1/chains/{chain}/jobs/{job}",
        "post /api/v1/chains/{chain}/jobs/{job}/rescan",
        "get /api/v1/pools",
        "get /api/v1/pools/{chain}/{contract}",
        "get /api/v1/pools/{chain}/{contract}/addresses",
        "post /api/v1/watch-lists",
        "get /support",
    }


def test_every_operation_is_described_and_says_who_may_and_what_goes_wrong(schema: Any) -> None:
    names = [operation["operationId"] for _, _, operation in operations(schema)]
    assert len(set(names)) == len(names)
    for path, method, operation in operations(schema):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert {"401", "403", "429", "503"} <= set(operation["responses"]), where
        assert ({} in operation["security"]) == (method == "get" or "/addresses/" in path), where
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description") or "$ref" in parameter, f"{where} {parameter['name']}"


def test_every_reference_leads_somewhere(schema: Any) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if "$ref" in value else []
            return own + [found for part in value.values() for found in references(part)]
        return [found for part in value for found in references(part)] if isinstance(value, list) else []

    found = set(references(schema))
    assert found
    for reference in found:
        place: Any = schema
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, reference
            place = place[step]


def test_reading_it_needs_nobody(client: Client, settings: Any) -> None:
    settings.PUBLIC_READ = False
    assert client.get("/api/v1/schema").status_code == 200
    assert client.get("/api/v1/docs").status_code == 200
