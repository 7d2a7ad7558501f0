"""GET /api/v1/schema: the API says of itself what there is, who may, and what goes wrong."""

import re
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from tests.api.routes import ROUTES

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


def test_every_route_is_in_it_but_the_page_that_shows_it(schema: Any) -> None:
    served = {
        f"{method} /{route.pattern}".replace("<str:", "{").replace("<int:", "{").replace(">", "}")
        for route in ROUTES.values()
        for method in route.methods
    }
    assert served - {"get /api/v1/docs"} == {f"{method} {path}" for path, method, _ in operations(schema)}


def test_every_operation_is_described_in_one_style(schema: Any) -> None:
    names = [operation["operationId"] for _, _, operation in operations(schema)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)+", name) for name in names)
    tags = {tag["name"] for tag in schema["tags"]}
    for path, method, operation in operations(schema):
        where = f"{method} {path}"
        assert re.fullmatch("[A-Z].*[^.]", operation["summary"]), where
        assert operation["description"].endswith("."), where
        assert [tag in tags for tag in operation["tags"]] == [True], where
        for parameter in operation.get("parameters", ()):
            assert parameter["description"].endswith("."), f"{where} {parameter['name']}"
        if "requestBody" in operation:
            assert any("example" in kind for kind in operation["requestBody"]["content"]["application/json"]), where


def test_every_operation_says_who_may_and_what_goes_wrong(schema: Any) -> None:
    for path, method, operation in operations(schema):
        where = f"{method} {path}"
        responses = set(operation["responses"])
        if path == "/" or path.startswith("/health"):
            assert operation["security"] == [], where
            continue
        assert {"400", "401", "403", "429", "503"} <= responses, where
        assert ("requestBody" in operation) == ({"411", "413", "415", "422"} <= responses), where
        assert ({} in operation["security"]) == (method == "get" or "/addresses/" in path), where


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
