"""Texts lose the secrets of the environment, in every spelling, and keep the words that only look like parts of one."""

import html
import json
from pathlib import Path

import pytest

from config.masks import Mask, hide_addresses

URL = "https://bob:Passw0rdOfBob@abc123.quiknode.pro/v3/Key%2FOfBob7/ethereum?token=TokenOfBob8"
ENVIRON = {
    "RPC_URLS_ETHEREUM": f"{URL}, http://127.0.0.1:8545, http://anvil:8545",
    "DATABASE_URL": "postgresql://footprint:se%23cr3t!@db.example/footprint",
    "DATABASE_REPLICA_URL": "postgresql://footprint:oth3r-one@replica/footprint",
    "SECRET_KEY": 'fifty "random" <characters> é',
}
SECRETS = (
    URL,
    "Passw0rdOfBob",
    "abc123.quiknode.pro",
    "Key%2FOfBob7",
    "Key/OfBob7",
    "TokenOfBob8",
    "se#cr3t!",
    "se%23cr3t!",
    "oth3r-one",
    ENVIRON["SECRET_KEY"],
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("write", [str, repr, json.dumps, html.escape], ids=lambda write: write.__name__)
def test_a_secret_is_blotted_however_it_is_written(secret: str, write: object) -> None:
    assert callable(write)
    text = f"before {write(secret)} after"
    masked = Mask(ENVIRON)(text)
    assert write(secret).strip("'\"") not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "***" in masked


@pytest.mark.parametrize(
    "text",
    [
        "ethereum: a new chain; its cursor starts at the final block 17",  # in a URL's path, but a word
        "Listening at: http://127.0.0.1:8000",  # the host of an endpoint, but not the endpoint
        "anvil-1 answered", "footprint ethereum",
        "0x" + "ab" * 32,
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    assert Mask(ENVIRON)(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        # A database or a node that this process's environment does not name.
        ("postgresql://bob:pw@host/db", "postgresql://***@host/db"),
        ("host=x password=pw dbname=y", "host=x password=*** dbname=y"),
        ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer ***"),
        # The beginning of an API key tells keys apart and opens nothing.
        ("key fp_0123abcd_ABCDEFGHIJKLMNOPQRSTUVWX-_Z!", "key fp_0123abcd_***!"),
        ("key fp_ABCDEFGHIJKLMNOPQRSTUVWX", "key fp_***"),
    ],
)
def test_what_looks_like_a_secret_is_blotted_too(text: str, masked: str) -> None:
    assert Mask({})(text) == masked


def test_a_short_password_is_blotted_only_where_it_stands_as_one() -> None:
    mask = Mask({"DATABASE_URL": "postgresql://bob:7@host/db"})
    assert mask("block 17 of postgresql://bob:7@elsewhere/db") == "block 17 of postgresql://***@elsewhere/db"


def test_an_endpoint_that_a_file_names_later_is_blotted_and_so_is_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "rpc-urls"
    mask = Mask({"RPC_URLS_FILE": str(file)})
    assert mask("FirstKey1 SecondKey2") == "FirstKey1 SecondKey2"
    file.write_text("RPC_URLS_BASE=https://host.example/FirstKey1\n")
    assert mask("FirstKey1 SecondKey2") == "*** SecondKey2"
    file.write_text("RPC_URLS_BASE=https://host.example/SecondKey2,not a url\n")
    assert mask("FirstKey1 SecondKey2") == "*** ***"


def test_a_mask_shows_nothing_of_itself() -> None:
    assert repr(Mask(ENVIRON)) == "<Mask>"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("GET /addresses/0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045?x", "GET /addresses/0x…?x"),
        ("/addresses/d8da6bf26964af9d7eed9e03e53415d37aa96045", "/addresses/…"),
        ("(address)=(\\xd8da6bf26964af9d7eed9e03e53415d37aa96045)", "(address)=(\\x…)"),
        ("/addresses/0xd8dA6BF26964aF9D7eEd9e03E53415D37aA960450", "/addresses/0x…"),
        ("block 0x" + "ab" * 32, "block 0x" + "ab" * 32),
    ],
)
def test_an_address_is_hidden_and_a_hash_is_not(text: str, hidden: str) -> None:
    assert hide_addresses(text) == hidden
