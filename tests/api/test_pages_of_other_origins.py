"""Pages of the origins that the settings name may ask all that the API answers, and read all it says."""

import pytest
from django.test import Client
from pytest_django import Settings

from tests.positions.lookup_rows import USER_EIP55

ORIGIN = "https://wallet.example"
PATHS = [f"/api/v1/addresses/{USER_EIP55}", "/api/v1/addresses/lookup", f"/user-pools/{USER_EIP55}"]


@pytest.fixture(autouse=True)
def _wallet(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    settings.PUBLIC_READ = False


def preflight(client: Client, path: str, origin: str) -> dict[str, str]:
    headers = {
        "origin": origin,
        "access-control-request-method": "GET",
        "access-control-request-headers": "x-api-key, if-none-match",
    }
    response = client.options(path, headers=headers)
    return {name.lower(): value for name, value in response.headers.items()}


@pytest.mark.parametrize("path", PATHS)
def test_a_named_origin_may_send_keys_and_tags(client: Client, path: str) -> None:
    said = preflight(client, path, ORIGIN)
    assert said["access-control-allow-origin"] == ORIGIN
    assert {"authorization", "content-type", "if-none-match", "x-api-key"} <= set(
        said["access-control-allow-headers"].split(", ")
    )


def test_it_may_read_what_only_headers_say(client: Client) -> None:
    said = client.get(PATHS[0], headers={"origin": ORIGIN})["Access-Control-Expose-Headers"]
    assert {"ETag", "Footprint-Incomplete", "Retry-After"} == set(said.split(", "))


def test_other_origins_may_not(client: Client) -> None:
    assert "access-control-allow-origin" not in preflight(client, PATHS[0], "https://elsewhere.example")
