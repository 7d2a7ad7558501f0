"""RPC URLs hold keys: only labels may be seen, in errors, tracebacks, logs and representations."""

from __future__ import annotations

import logging
import socket
import traceback

import pytest

from indexer.rpc import Endpoint, RpcError, label_of
from indexer.rpc.labels import secrets_of

from .scripted import Answer, ScriptedNode, refusing, sending

KEY = "s3cr3tKeyOfMine"


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("https://eth-mainnet.g.alchemy.com/v2/KEY", "alchemy-1"),
        ("http://127.0.0.1:8545", "local-1"),
        ("http://[::1]:8545", "local-1"),
        ("http://192.168.1.4:8545", "local-1"),
        ("http://localhost:8545", "local-1"),
        ("https://8.8.8.8/KEY", "address-1"),
        ("https://KEY.quiknode.pro/KEY/", "quiknode-1"),
        ("https://user:KEY@rpc.ankr.com/eth", "ankr-1"),
        ("https://rpc.example.co.uk/KEY", "example-1"),
        ("http://geth:8545", "geth-1"),
        ("https://mainnet.INFURA.io/v3/KEY", "infura-1"),
        ("not a url KEY", "endpoint-1"),
        ("http://[KEY", "endpoint-1"),
    ],
)
def test_a_label_names_the_provider_and_no_secret(url: str, label: str) -> None:
    assert label_of(url, 1) == label


@pytest.mark.parametrize("url", [f"ftp://host/{KEY}", KEY, f"http://[{KEY}", f"http://host:{KEY}/", "", "https://"])
def test_an_unusable_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="alchemy-1: not an RPC URL") as caught:
        Endpoint(url, "alchemy-1")
    assert KEY not in _all_text(caught.value)


def test_a_secret_is_known_in_both_spellings() -> None:
    secrets = secrets_of(f"https://host.example/v2/{KEY}%2F{KEY}")
    assert {f"{KEY}%2F{KEY}", f"{KEY}/{KEY}"} <= set(secrets)
    assert "v2" not in secrets


ECHOES: dict[str, Answer] = {
    "in the text": refusing(-32000, f"no access for /v2/{KEY}?token={KEY}x"),
    "in data": refusing(-32000, "no", {"key": KEY, "text": [KEY]}),
    "in a page": sending(f"<html>{KEY}</html>".encode(), 403),
    "in plain text": sending(f"key {KEY} is not known".encode(), 401),
    "in broken JSON": sending(f'{{"{KEY}'.encode()),
    "in a redirect": sending(b"", 301, location=f"/v2/{KEY}"),
    "in a lost connection": sending(KEY.encode(), cut=50),
}


@pytest.mark.parametrize("echo", ECHOES)
def test_what_a_provider_echoes_is_blotted_out(
    echo: str, scripted: ScriptedNode, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.always = ECHOES[echo]
    url = scripted.url.replace("http://", f"http://user:{KEY}password@") + f"/v2/{KEY}?token={KEY}x"
    endpoint = Endpoint(url, "alchemy-1")
    with caplog.at_level(logging.DEBUG), pytest.raises(RpcError) as caught:
        endpoint.call("eth_chainId", [], str)
    assert "alchemy-1" in str(caught.value)
    shown = _all_text(caught.value) + caplog.text + repr(endpoint)
    assert KEY not in shown
    assert str(scripted.port) not in shown
    assert scripted.headers[0]["authorization"].startswith("Basic ")


def test_a_failed_connection_does_not_show_the_url(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as unused, caplog.at_level(logging.DEBUG):
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(RpcError) as caught:
            Endpoint(f"http://127.0.0.1:{port}/{KEY}", "alchemy-1").call("eth_chainId", [], str)
    shown = _all_text(caught.value) + caplog.text
    assert KEY not in shown
    assert str(port) not in shown


def _all_text(error: BaseException) -> str:
    """Everything that printing, logging or inspecting the error could show, whatever it is chained to."""
    texts = [repr(error), str(error), repr(error.args), repr(vars(error))]
    chained = error.__context__ or error.__cause__
    # The source lines of this test name the key; the messages must not.
    texts += traceback.format_exception_only(error)
    return "\n".join(texts) + (_all_text(chained) if chained else "")
