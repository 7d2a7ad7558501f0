"""The admin in a real browser, as an operator's day goes, on a desktop and on a phone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, Request, expect

from indexer.access.models import ApiKey
from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from tests.browser.chromium import chromium, wider_than_the_screen
from tests.people import LogIn, make_user
from tests.positions.admin_rows import PATHS, fill
from tests.positions.lookup_rows import USER_EIP55, start
from tests.processes import web_address

pytestmark = pytest.mark.slow

LIST = """{"chain": "hilltop", "chain_id": 31337, "watches": [{"protocol": "aave-v2", "product": "a-token",
"event": "Transfer", "contracts": ["0x028171bCA77440897B824Ca71D1c56caC55b68A3"]}]}"""
PASSWORD = "a long password"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture
def jobs(chains: list[Chain], connection: Connection, log_in: LogIn) -> list[int]:
    with connect(chains[1]) as other:
        start(other)
    found = fill(connection, rows=12)
    make_user("superuser", PASSWORD)
    return found


@contextmanager
def visit(browser: Browser, server: str, size: Any) -> Iterator[tuple[Page, list[str]]]:
    """A page of somebody who has logged in, and the requests to other hosts that it has made."""
    foreign: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((server, "data:", "blob:")):
            foreign.append(request.url)

    context = browser.new_context(viewport=size, base_url=server)
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.on("request", note)
    page.goto("/admin/")
    page.fill("#id_username", "some-superuser")
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_title("Dashboard | Footprint")
    yield page, foreign
    context.close()


def test_a_day_of_an_operator(jobs: list[int], connection: Connection, tmp_path: Path) -> None:
    with web_address(tmp_path / "log") as server, chromium() as browser, visit(browser, server, DESKTOP) as seen:
        page, foreign = seen
        choose_a_chain(page)
        disable_the_job_that_a_filter_finds(page, connection)
        import_a_list(page, connection)
        look_an_address_up(page)
        make_a_key(page, connection)
        switch_a_worker_off_and_on(page)
        assert foreign == []


def choose_a_chain(page: Page) -> None:
    page.goto("/admin/positions/job/")
    page.get_by_label("Chain").select_option("seaside")
    expect(page.get_by_text("chain id 31338")).to_be_visible()
    expect(page.locator("#result_list")).to_have_count(0)
    page.get_by_label("Chain").select_option("hilltop")
    expect(page.locator("input.action-select")).to_have_count(12)


def disable_the_job_that_a_filter_finds(page: Page, connection: Connection) -> None:
    page.locator("a", has_text="Filters").click()
    page.get_by_label("By trouble").select_option("unreadable")
    page.get_by_role("button", name="Apply Filters").click()
    expect(page.locator("input.action-select")).to_have_count(1)
    page.locator("input.action-select").check()
    page.get_by_label("Select action to run").select_option("disable")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("heading", name="Disable 1 job of hilltop?")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("hilltop: 1 job disabled.")).to_be_visible()
    assert connection.execute("SELECT enabled FROM jobs WHERE unreadable > 0").fetchall() == [(False,)]


def import_a_list(page: Page, connection: Connection) -> None:
    page.goto("/admin/positions/job/import/")
    page.fill("#paste", LIST.replace("Transfer", "Transfr"))
    page.get_by_role("button", name="See what would change").click()
    expect(page.get_by_text("Refused: nothing would be imported")).to_be_visible()
    page.fill("#paste", LIST)
    page.get_by_role("button", name="See what would change").click()
    expect(page.get_by_text("1 entries, 1 jobs added, 1 labels added.")).to_be_visible()
    count = "SELECT count(*) FROM jobs WHERE enabled AND contract_address = decode(%s, 'hex')"
    contract = ["028171bCA77440897B824Ca71D1c56caC55b68A3"]
    assert connection.execute(count, contract).fetchone() == (0,)
    page.get_by_role("button", name="Import exactly this").click()
    expect(page.get_by_role("heading", name="Imported into hilltop", level=2)).to_be_visible()
    assert connection.execute(count, contract).fetchone() == (1,)


def look_an_address_up(page: Page) -> None:
    page.goto("/admin/lookup/")
    page.fill("#id_address", USER_EIP55.lower())
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_role("heading", name=f"Answer for {USER_EIP55}")).to_be_visible()
    assert USER_EIP55.lower() not in page.url.lower()


def switch_a_worker_off_and_on(page: Page) -> None:
    page.goto("/admin/workers/livevalue/worker.prices/change/")
    page.get_by_label("Value").select_option("off")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This makes workers rest: say why.")).to_be_visible()
    page.get_by_label("Why").fill("they are wrong")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("worker.prices is off; it was on, its default.")).to_be_visible()
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("worker.prices is on, its default; it was off, as before change")).to_be_visible()
    expect(page.locator("#history tbody tr")).to_have_count(2)


def make_a_key(page: Page, connection: Connection) -> None:
    page.goto("/admin/access/apikey/add/")
    page.fill("#id_name", "portfolio")
    page.get_by_label("read: look addresses up").check()
    page.get_by_role("button", name="Save").click()
    text = page.locator("#key-text").inner_text()
    # Playwright's loop runs in this thread, in which Django's ORM refuses to work.
    row = connection.execute("SELECT prefix FROM public.api_keys WHERE name = 'portfolio'").fetchone()
    assert row is not None
    assert text.startswith(row[0])
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_text("portfolio")).to_be_visible()
    assert text not in page.content()
    audit = "SELECT target FROM public.audit WHERE action = 'add API key'"
    assert connection.execute(audit).fetchall() == [("portfolio",)]


def test_no_page_is_wider_than_a_phone_or_asks_another_host(jobs: list[int], tmp_path: Path) -> None:
    rows = (
        f"/admin/positions/job/{jobs[1]}/change/",
        f"/admin/positions/job/{jobs[1]}/rescan/",
        f"/admin/access/apikey/{ApiKey.objects.all()[0].pk}/change/",
        f"/admin/auth/user/{User.objects.get().pk}/change/",
    )
    with web_address(tmp_path / "log") as server, chromium() as browser, visit(browser, server, PHONE) as seen:
        page, foreign = seen
        wide = {}
        for path in PATHS + rows:
            page.goto(path)
            wide[path] = wider_than_the_screen(page)
        page.goto("/admin/lookup/")
        page.fill("#id_address", USER_EIP55)
        page.get_by_role("button", name="Look up").click()
        expect(page.get_by_text("Answer for")).to_be_visible()
        wide["answer"] = wider_than_the_screen(page)
        assert {path: pixels for path, pixels in wide.items() if pixels} == {}
        assert foreign == []
