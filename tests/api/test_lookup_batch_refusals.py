"""POST /api/v1/addresses/lookup: a body that cannot be answered is refused with what is wrong in it, and where."""

import json

import pytest
from django.test import Client
from pytest_django import Settings

from tests.api.test_problem_details import problem
from tests.positions.lookup_rows import USER_EIP55, statements

PATH = "/api/v1/addresses/lookup"
DEEP = '{"addresses":' + "[" * 50_000 + "]" * 50_000 + "}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (" ", "no JSON"),
        ("{", "no JSON"),
        ("addresses=0x", "no JSON"),
        (b'{"addresses": ["0x\xff"]}', "The body is no JSON"),
        ("[]", "Expected `object`, got `array`"),
        ("null", "Expected `object`"),
        ("{}", "missing required field `addresses`"),
        ({"addresses": USER_EIP55}, "Expected `array`, got `str` - at `$.addresses`"),
        ({"addresses": [USER_EIP55, 7]}, "Expected `str`, got `int` - at `$.addresses[1]`"),
        ({"addresses": [USER_EIP55, None]}, "`$.addresses[1]`"),
        ({"addresses": [USER_EIP55], "chain": "hilltop"}, "unknown field `chain`"),
        ({"addresses": [USER_EIP55], "chains": None}, "`$.chains`"),
        ({"addresses": [USER_EIP55], "chains": "hilltop"}, "`$.chains`"),
        ({"addresses": []}, "addresses is empty: name one, and 1,000 at most."),
        ({"addresses": [USER_EIP55] * 1001}, "addresses has 1,001 entries: 1,000 at most"),
        ({"addresses": [USER_EIP55, "0x12"]}, "'0x12' at addresses[1] is not an address"),
        ({"addresses": [USER_EIP55[2:]]}, "at addresses[0] is not an address: 0x and 40 hex digits"),
        ({"addresses": [USER_EIP55 + "\0"]}, r"\x00' at addresses[0]"),
        ({"addresses": ["g" * 5000]}, "ggg…'"),
        ({"addresses": ["\ud800"]}, "no JSON"),
        ({"addresses": [USER_EIP55], "chains": []}, "chains is empty"),
        ({"addresses": [USER_EIP55], "chains": ["atlantis"]}, "Unknown chain 'atlantis'. Known are: hilltop, seaside"),
        ({"addresses": [USER_EIP55], "chains": [""]}, "Unknown chain ''"),
        ({"addresses": [USER_EIP55], "chains": ["hilltop\0"]}, r"Unknown chain 'hilltop\x00'"),
        (DEEP, ""),
        ("[" * 400_000, ""),
    ],
    ids=range(26),
)
def test_what_is_wrong_is_named(client: Client, body: object, said: str) -> None:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    response = client.post(PATH, text, content_type="application/json")
    assert said in problem(response, 400, "Bad Request")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"])
def test_another_content_type_is_a_415(client: Client, kind: str) -> None:
    response = client.generic("POST", PATH, json.dumps({"addresses": [USER_EIP55]}), content_type=kind)
    assert "application/json" in problem(response, 415, "Unsupported Media Type")


def test_json_may_name_its_charset(client: Client) -> None:
    body = json.dumps({"addresses": [USER_EIP55]})
    assert client.post(PATH, body, content_type="application/json; charset=utf-8").status_code == 200


def test_a_compressed_body_is_a_415(client: Client) -> None:
    response = client.post(PATH, b"\x1f\x8b", content_type="application/json", headers={"content-encoding": "gzip"})
    assert "send the body as it is" in problem(response, 415, "Unsupported Media Type")


def test_a_longer_body_than_allowed_is_a_413_and_no_work(client: Client, settings: Settings) -> None:
    settings.BODY_LIMIT = 2000
    with statements() as sent:
        response = client.post(PATH, {"addresses": [USER_EIP55] * 999}, content_type="application/json")
    assert "more than 2,000 bytes" in problem(response, 413, "Request Entity Too Large")
    assert not sent


def test_parameters_are_refused(client: Client) -> None:
    response = client.post(PATH + "?chain=hilltop", {"addresses": [USER_EIP55]}, content_type="application/json")
    assert "Unknown parameter 'chain'" in problem(response, 400, "Bad Request")


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch"])
def test_other_methods_are_a_405(client: Client, method: str) -> None:
    response = getattr(client, method)(PATH)
    assert response.status_code == 405
    assert response["Allow"] == "POST, OPTIONS"
