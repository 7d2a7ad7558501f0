"""The market's lists as CSV: every row that is asked for, null as an empty cell, no formula of other people's."""

import csv
from typing import Any

import pytest
from django.db.models import F
from django.test import Client

from api.market import sheets
from api.market.sheets import cell
from indexer.market.models import Pool, Protocol
from tests.market.listed import TOKEN, VAULT, make_pool, market, pool_id

__all__ = ["market"]

BASE = "/api/v1/market"
pytestmark = pytest.mark.usefixtures("market")


def read(response: Any) -> list[dict[str, str]]:
    assert (response.status_code, response["Content-Type"]) == (200, "text/csv; charset=utf-8")
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(text.splitlines()))


def test_a_sheet_has_the_rows_of_the_list(client: Client) -> None:
    rows = read(client.get(f"{BASE}/pools?format=csv&chain=hilltop"))
    listed = client.get(f"{BASE}/pools?chain=hilltop").json()["pools"]
    assert [row["id"] for row in rows] == [pool["id"] for pool in listed]
    assert list(rows[0]) == list(listed[0])
    vault = rows[1]
    assert (vault["tvl"], vault["stablecoin"], vault["underlying_tokens"]) == ("2000000.0", "true", TOKEN)
    assert (vault["contract"], vault["apy_base"], vault["volume_1d"]) == (VAULT, "", "")


def test_null_is_an_empty_cell_and_zero_is_zero(client: Client) -> None:
    rows = {row["id"]: row for row in read(client.get(f"{BASE}/pools?format=csv"))}
    assert (rows[str(pool_id(3))]["apy"], rows[str(pool_id(4))]["apy"]) == ("", "0.0")


def test_accept_asks_for_a_sheet_and_the_parameter_has_the_last_word(client: Client) -> None:
    path = f"{BASE}/protocols"
    assert [row["id"] for row in read(client.get(path, headers={"accept": "text/csv"}))] == ["1", "2"]
    asked = client.get(f"{path}?format=json", headers={"accept": "text/csv"})
    assert asked["Content-Type"] == "application/json"
    for accept in ("text/html,*/*;q=0.8", "*/*", "application/json", "image/png"):
        assert client.get(path, headers={"accept": accept})["Content-Type"] == "application/json"
    assert client.get(path, headers={"accept": "text/csv;q=0.1,application/json"})["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "path", ["pools", "protocols", "mappings", f"pools/{pool_id(1)}/snapshots", "protocols/2/snapshots"]
)
def test_a_cache_is_told_that_accept_decides(client: Client, path: str) -> None:
    for kind in ("text/csv", "application/json"):
        response = client.get(f"{BASE}/{path}", headers={"accept": kind})
        assert response["Content-Type"].startswith(kind)
        assert "Accept" in response["Vary"].split(", ")


def test_a_long_sheet_has_every_row_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "LONGEST_PAGE", 3)
    for number in range(10, 20):
        make_pool(number, tvl=1.0 if number % 2 else None)
    rows = read(client.get(f"{BASE}/pools?format=csv"))
    assert len(rows) == len({row["id"] for row in rows}) == 14


@pytest.mark.parametrize("what", ["pools", "protocols"])
def test_a_row_that_changes_its_place_meanwhile_is_in_the_sheet_once(
    client: Client, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(sheets, "LONGEST_PAGE", 1)
    lines = iter(client.get(f"{BASE}/{what}?format=csv&order=-tvl"))
    begun = next(lines) + next(lines)
    # The first goes to the end, and the last to the beginning.
    Pool.objects.update(tvl=F("tvl") * -1)
    Pool.objects.filter(tvl=None).update(tvl=1e12)
    Protocol.objects.filter(pk="1").update(tvl=-1)
    Protocol.objects.filter(pk="2").update(tvl=1e12)
    ids = [row["id"] for row in csv.DictReader((begun + b"".join(lines)).decode().splitlines())]
    assert ids == ([str(pool_id(number)) for number in (2, 1, 4, 3)] if what == "pools" else ["1", "2"])


def test_every_list_that_grows_has_its_sheet(client: Client) -> None:
    mappings = read(client.get(f"{BASE}/mappings?format=csv"))
    assert (mappings[0]["address"], mappings[0]["refuted"]) == (VAULT, "false")
    assert '"call":"asset()"' in mappings[0]["evidence"]
    days = read(client.get(f"{BASE}/pools/{pool_id(1)}/snapshots?format=csv&from=2026-11-01"))
    assert [(day["day"], day["tvl"]) for day in days] == [("2026-11-01", "1000001.0"), ("2026-11-03", "1000002.0")]
    assert len(read(client.get(f"{BASE}/protocols/dex/snapshots?format=csv"))) == 3


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-x", "'-x"),
        ("@x", "'@x"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1+1", "'\n=1+1"),
        ("\uff1d1", "'\uff1d1"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff20x", "'\uff20x"),
        ("USDC-DAI", "USDC-DAI"),
        # Numbers are none.
        (-1.5, -1.5),
        (["=a", "b"], "'=a b"),
    ],
)
def test_no_text_of_the_market_is_a_formula(value: object, written: object) -> None:
    assert cell(value) == written
