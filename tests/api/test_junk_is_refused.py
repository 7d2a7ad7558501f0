"""Junk in a request is the asker's mistake, never the server's."""

import random
from typing import Any

import pytest
from django.test import Client

from tests.positions.lookup_rows import USER_EIP55

ADDRESS = f"/api/v1/addresses/{USER_EIP55}"
PATHS = [ADDRESS, f"/user-pools/{USER_EIP55}"]


def refused(response: Any, *statuses: int) -> None:
    assert response.status_code in statuses
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/v1/addresses/", "/user-pools/"])
@pytest.mark.parametrize(
    "junk",
    ["%00", "%ff%fe", "%E2%80%AE", "0x" + "%30" * 41, "'; DROP TABLE logs; --", "%0d%0aSet-Cookie:%20a=b", "{}", "…"],
)
def test_junk_for_an_address_is_a_400(client: Client, path: str, junk: str) -> None:
    refused(client.get(path + junk), 400)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "query",
    [
        "%00=1",
        "chain=%00",
        "chain=%ff",
        "chain=%ED%A0%80",
        "include=%00",
        "check_also=all&chain=hilltop&after=%00",
        "&".join(f"p{number}=1" for number in range(900)),
        # More than Django reads.
        "&".join(f"p{number}=1" for number in range(1100)),
        "chain=" + "a," * 50_000,
        "=",
        "chain=hilltop;chain=seaside",
    ],
)
def test_junk_for_a_parameter_is_a_400(client: Client, path: str, query: str) -> None:
    response = client.get(f"{path}?{query}")
    refused(response, 400)
    assert len(response.content) < 2000


@pytest.mark.parametrize("path", PATHS)
def test_an_encoded_slash_makes_another_path(client: Client, path: str) -> None:
    refused(client.get(path + "%2F.."), 404)


@pytest.mark.parametrize("path", [*PATHS, "/api/v1/addresses/lookup"])
def test_options_says_what_is_possible_and_nothing_else(client: Client, path: str) -> None:
    response = client.options(path)
    assert (response.status_code, response.content) == (204, b"")
    assert "OPTIONS" in response["Allow"]
    assert "Content-Type" not in response


@pytest.mark.parametrize("seed", range(3))
def test_random_bytes_never_fail_the_server(client: Client, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        junk = "".join(f"%{chance.randrange(256):02x}" for _ in range(chance.randrange(1, 60)))
        for path in (
            f"/api/v1/addresses/{junk}",
            f"/user-pools/{junk}",
            f"{ADDRESS}?{junk}",
            f"{ADDRESS}?chain={junk}",
        ):
            assert 400 <= client.get(path).status_code < 500, path
        body = chance.randbytes(chance.randrange(200))
        response = client.post("/api/v1/addresses/lookup", body, content_type="application/json")
        assert 400 <= response.status_code < 500, body
