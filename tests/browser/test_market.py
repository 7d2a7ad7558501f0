"""The market's lists in a real browser: whatever other people call their pools, every column is to be seen."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from indexer.market.models import Document, Pool, Protocol, RejectedRow
from tests.browser.chromium import chromium, wider_than_the_screen
from tests.browser.test_admin import DESKTOP, PASSWORD, PHONE, visit
from tests.market.listed import market
from tests.people import make_user
from tests.processes import web_address

__all__ = ["market"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("market")]

LISTS = tuple(
    f"/admin/market/{model}/"
    for model in ("pool", "protocol", "contractmapping", "watchproposal", "rejectedrow", "document")
)


@pytest.fixture
def long_names(market: None) -> None:
    Pool.objects.update(symbol="W" * 100 + "-USDC", project="p" * 150)
    Protocol.objects.update(name="N" * 200, slug="s" * 150)
    RejectedRow.objects.update(key="k" * 150, words="w" * 500)
    Document.objects.create(name="defillama:/" + "chart/" * 30, taken_at=Document.objects.get().taken_at)
    make_user("superuser", PASSWORD)


def hidden_columns(page: Page) -> int:
    """By how many pixels the list is wider than what shows it."""
    width: int = page.locator("#result_list").evaluate("list => list.scrollWidth - list.parentElement.clientWidth")
    return max(width, 0)


def cut_off(page: Page) -> list[str]:
    """The cells that reach beyond the screen."""
    cells: list[str] = page.locator("#result_list :is(td, th)").evaluate_all(
        "cells => cells.filter(cell => cell.getBoundingClientRect().right > innerWidth || cell.scrollWidth >"
        " cell.clientWidth + 1).map(cell => cell.className)"
    )
    return cells


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_long_name_hides_no_column(long_names: None, size: dict[str, int], tmp_path: Path) -> None:
    with (
        web_address(tmp_path / "log") as server,
        chromium() as browser,
        visit(browser, server, size) as (page, _),
    ):
        for path in LISTS:
            page.goto(path)
            expect(page.locator("#result_list").first).to_be_visible()
            assert (wider_than_the_screen(page), hidden_columns(page), cut_off(page)) == (0, 0, []), path
