"""POST /api/v1/addresses/lookup: a body that cannot be answered is refused with what is wrong in it, and where."""

import json

import pytest
from django.test import Client
from pytest_django import Settings

from tests.api.problems import fault, problem
from tests.positions.lookup_rows import USER_EIP55, statements

PATH = "/api/v1/addresses/lookup"
DEEP = '{"addresses":' + "[" * 50_000 + "]" * 50_000 + "}"


@pytest.mark.parametrize(
    "body",
    [
        " ",
        "{",
        "addresses=0x",
        b'{"addresses": ["0x\xff"]}',
        '{"addresses": ["\\ud800"]}',
        # Something does not fit before it turns out to be no JSON.
        '{"addresses": 7, "chains": tru}',
        DEEP,
        "[" * 400_000,
    ],
    ids=range(8),
)
def test_what_is_no_json_is_a_400(client: Client, body: str | bytes) -> None:
    detail = problem(client.post(PATH, body, content_type="application/json"), 400)["detail"]
    assert detail.startswith(("The body is no JSON", "The body is nested too deeply"))


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ([], "#", "Expected `object`, got `array`"),
        (None, "#", "Expected `object`"),
        ({}, "#", "missing required field `addresses`"),
        ({"addresses": USER_EIP55}, "#/addresses", "Expected `array`, got `str`"),
        ({"addresses": [USER_EIP55, 7]}, "#/addresses/1", "Expected `str`, got `int`"),
        ({"addresses": [USER_EIP55, None]}, "#/addresses/1", "Expected `str`, got `null`"),
        ({"addresses": [USER_EIP55], "chain": "hilltop"}, "#", "unknown field `chain`"),
        ({"addresses": [USER_EIP55], "chains": None}, "#/chains", "Expected `array`"),
        ({"addresses": [USER_EIP55], "chains": "hilltop"}, "#/chains", "Expected `array`"),
        ({"addresses": []}, "#/addresses", "addresses is empty: name one, and 1,000 at most."),
        ({"addresses": [USER_EIP55] * 1001}, "#/addresses", "addresses has 1,001 entries: 1,000 at most"),
        ({"addresses": [USER_EIP55, "0x12"]}, "#/addresses/1", "'0x12' at addresses[1] is not an address"),
        ({"addresses": [USER_EIP55[2:]]}, "#/addresses/0", "is not an address: 0x and 40 hex digits"),
        ({"addresses": [USER_EIP55 + "\0"]}, "#/addresses/0", r"\x00' at addresses[0]"),
        ({"addresses": ["g" * 5000]}, "#/addresses/0", "ggg…'"),
        ({"addresses": [USER_EIP55], "chains": []}, "#/chains", "chains is empty"),
        ({"addresses": [USER_EIP55], "chains": ["hilltop", "atlantis"]}, "#/chains", "Unknown chain 'atlantis'. Known"),
        ({"addresses": [USER_EIP55], "chains": [""]}, "#/chains", "Unknown chain ''"),
        ({"addresses": [USER_EIP55], "chains": ["hilltop\0"]}, "#/chains", r"Unknown chain 'hilltop\x00'"),
    ],
    ids=range(19),
)
def test_json_that_does_not_fit_is_a_422_that_names_the_place(
    client: Client, body: object, pointer: str, said: str
) -> None:
    wrong = fault(client.post(PATH, json.dumps(body), content_type="application/json"), 422)
    assert wrong["pointer"] == pointer
    assert said in wrong["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"])
def test_another_content_type_is_a_415(client: Client, kind: str) -> None:
    response = client.generic("POST", PATH, json.dumps({"addresses": [USER_EIP55]}), content_type=kind)
    assert "application/json" in problem(response, 415)["detail"]


def test_json_may_name_its_charset(client: Client) -> None:
    body = json.dumps({"addresses": [USER_EIP55]})
    assert client.post(PATH, body, content_type="application/json; charset=utf-8").status_code == 200


def test_a_compressed_body_is_a_415(client: Client) -> None:
    response = client.post(PATH, b"\x1f\x8b", content_type="application/json", headers={"content-encoding": "gzip"})
    assert "send the body as it is" in problem(response, 415)["detail"]


def test_a_longer_body_than_allowed_is_a_413_and_no_work(client: Client, settings: Settings) -> None:
    settings.BODY_LIMIT = 2000
    with statements() as sent:
        response = client.post(PATH, {"addresses": [USER_EIP55] * 999}, content_type="application/json")
    assert "more than 2,000 bytes" in problem(response, 413)["detail"]
    assert not sent


def test_parameters_are_refused(client: Client) -> None:
    response = client.post(PATH + "?chain=hilltop", {"addresses": [USER_EIP55]}, content_type="application/json")
    assert "Unknown parameter 'chain'" in problem(response, 400)["detail"]
