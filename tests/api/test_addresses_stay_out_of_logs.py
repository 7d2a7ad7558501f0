"""No log says whose address was looked up, whatever becomes of the request."""

import logging
import socket
from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import connection as django_connection
from django.test import Client

from config.logs import Masked
from indexer.chains.connections import Connection
from tests.positions.lookup_rows import USER_EIP55

ADDRESS = f"/api/v1/addresses/{USER_EIP55}"
COMPATIBLE = f"/user-pools/{USER_EIP55}"


@pytest.fixture(params=[logging.INFO, logging.DEBUG])
def _everything_is_logged(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(request.param)


def away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is where nothing listens, and the list of chains is known from before."""
    client.get(ADDRESS)
    django_connection.close()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = str(nobody.getsockname()[1])
    monkeypatch.setitem(django_connection.settings_dict, "PORT", port)


def said(caplog: pytest.LogCaptureFixture) -> str:
    """All that the records print, by the formatter of the web server's processes."""
    formatter = Masked(logging.Formatter("%(message)s"), settings.MASK, hides_addresses=True, is_web=True)
    return "\n".join(map(formatter.format, caplog.records))


def check_silence(caplog: pytest.LogCaptureFixture, *, words: str) -> None:
    text = said(caplog)
    assert words in text
    assert USER_EIP55[2:].lower() not in text.lower()


@pytest.mark.usefixtures("_everything_is_logged")
@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda client: client.get(ADDRESS + "?chain=atlantis"), "Bad Request: /api/v1/addresses/0x…"),
        (lambda client: client.get(COMPATIBLE + "?a=b"), "Bad Request: /user-pools/0x…"),
        (lambda client: client.get(ADDRESS + "%00%ff"), "Bad Request: /api/v1/addresses/0x…"),
        (lambda client: client.get(ADDRESS + "0"), "Bad Request: /api/v1/addresses/0x…"),
        (lambda client: client.put(ADDRESS), "/api/v1/addresses/0x…"),
        (lambda client: client.get(f"/api/v1/address/{USER_EIP55}"), "Not Found: /api/v1/address/0x…"),
        (lambda client: client.get(f"{ADDRESS}/pools"), "Not Found: /api/v1/addresses/0x…/pools"),
        (
            lambda client: client.get(ADDRESS, headers={"x-api-key": "fp_0_guess"}),
            "Unauthorized: /api/v1/addresses/0x…",
        ),
        (
            lambda client: client.post(
                "/api/v1/addresses/lookup",
                {"addresses": [USER_EIP55], "chains": [USER_EIP55]},
                content_type="application/json",
            ),
            "Bad Request: /api/v1/addresses/lookup",
        ),
    ],
)
def test_a_refusal_hides_the_address(
    client: Client, caplog: pytest.LogCaptureFixture, ask: Callable[[Client], object], words: str
) -> None:
    ask(client)
    check_silence(caplog, words=words)


@pytest.mark.usefixtures("_everything_is_logged")
@pytest.mark.parametrize("path", [ADDRESS, COMPATIBLE])
def test_a_database_that_is_away_is_logged_without_the_address(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    with monkeypatch.context() as patch:
        away(client, patch)
        assert client.get(path).status_code == 503
    django_connection.close()
    check_silence(caplog, words="0x…: the database does not answer")


@pytest.mark.usefixtures("_everything_is_logged")
def test_a_failure_is_logged_with_its_traceback_and_no_address(
    client: Client, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    connection.execute("UPDATE settings SET value = '\"damaged\"' WHERE key = 'coverage'")
    assert client.get(ADDRESS).status_code == 500
    check_silence(caplog, words="Internal Server Error: /api/v1/addresses/0x…")
    assert "Traceback" in said(caplog)


@pytest.mark.usefixtures("_everything_is_logged")
def test_a_refusal_for_want_of_a_token_hides_the_address(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(f"/admin/{USER_EIP55}").status_code == 403
    check_silence(caplog, words="Forbidden (CSRF cookie not set.): /admin/0x…")
