"""The page Workers in a real browser: it shows what happens while it is looked at, and what is ordered there."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from indexer.chains.connections import Connection
from tests.browser.chromium import chromium, wider_than_the_screen
from tests.browser.test_admin import DESKTOP, PASSWORD, PHONE, visit
from tests.people import make_user
from tests.processes import web_address
from tests.workers.every_state import LINE, tell_a_history, tell_every_state
from tests.workers.rows import runtime, tell

__all__ = ["runtime"]

pytestmark = pytest.mark.slow

PAGE = "/admin/workers/workerrow/"
SOON = 5_000
"""Milliseconds within which a page must show what has happened: it asks every two seconds."""


@pytest.fixture
def workers(runtime: Connection) -> Connection:
    make_user("superuser", PASSWORD)
    tell_every_state(runtime)
    tell_a_history(runtime, "worker-ethereum", lines=60)
    return runtime


def test_what_happens_is_seen_while_the_page_is_open(workers: Connection, tmp_path: Path) -> None:
    with (
        web_address(tmp_path / "log") as server,
        chromium() as browser,
        visit(browser, server, DESKTOP) as (page, foreign),
    ):
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        see_a_state_change(page, workers)
        stop_a_worker(page, workers)
        switch_a_flag(page, workers)
        follow_a_log(page, workers)
        assert errors == foreign == []


def see_a_state_change(page: Page, connection: Connection) -> None:
    page.goto(PAGE)
    row = page.locator('tr[data-key="worker-ethereum"]')
    expect(row.locator(".fp-label").first).to_have_text("healthy")
    row.get_by_role("link", name="Stop worker-ethereum").focus()
    connection.execute("UPDATE public.workers SET said = 'out of budget', why = 'spent' WHERE name = 'worker-ethereum'")
    expect(row.locator(".fp-label").first).to_have_text("out of budget", timeout=SOON)
    expect(row.get_by_text("spent")).to_be_visible()
    expect(row.get_by_role("link", name="Stop worker-ethereum")).to_be_focused()
    tell(connection, "worker-zora", said="starting")
    expect(page.locator("tbody tr").last).to_have_attribute("data-key", "worker-zora", timeout=SOON)
    connection.execute("DELETE FROM public.workers WHERE name = 'worker-zora'")
    expect(page.locator('tr[data-key="worker-zora"]')).to_have_count(0, timeout=SOON)


def stop_a_worker(page: Page, connection: Connection) -> None:
    page.locator('tr[data-key="worker-base"]').get_by_role("link", name="Stop worker-base").click()
    page.fill("#id_why", "a new disk")
    page.get_by_role("button", name="Stop").click()
    row = page.locator('tr[data-key="worker-base"]')
    expect(row.get_by_text("stop ordered by some-superuser, not done yet")).to_be_visible()
    orders = "SELECT worker, action, actor, why FROM public.worker_orders"
    assert connection.execute(orders).fetchall() == [("worker-base", "stop", "some-superuser", "a new disk")]
    connection.execute("UPDATE public.worker_orders SET done_at = now()")
    connection.execute("UPDATE public.workers SET said = 'stopped' WHERE name = 'worker-base'")
    expect(row.get_by_role("button", name="Start worker-base")).to_be_visible(timeout=SOON)
    expect(row.get_by_text("not done yet")).to_have_count(0)
    row.get_by_role("button", name="Start worker-base").click()
    expect(page.get_by_text("worker-base: start is ordered")).to_be_visible()


def switch_a_flag(page: Page, connection: Connection) -> None:
    row = page.locator('tr[data-key="posts"]')
    row.get_by_role("button", name="Flag on posts").click()
    expect(row.get_by_role("link", name="Flag off posts")).to_be_visible()
    row.get_by_role("link", name="Flag off posts").click()
    page.get_by_role("button", name="Flag off").click()
    expect(page.get_by_text("makes workers rest: say why")).to_be_visible()
    page.fill("#id_why", "the posts are wrong again")
    page.get_by_role("button", name="Flag off").click()
    expect(row.get_by_role("button", name="Flag on posts")).to_be_visible()
    changes = "SELECT new, why FROM public.live_changes WHERE name = 'worker.posts' ORDER BY id"
    assert connection.execute(changes).fetchall() == [(True, ""), (False, "the posts are wrong again")]


def follow_a_log(page: Page, connection: Connection) -> None:
    page.goto(f"{PAGE}worker-ethereum/")
    page.get_by_text("Where it stood").click()
    for number in range(3):
        connection.execute(LINE, ["worker-ethereum", "INFO", "indexer", f"line {number} of just now"])
    expect(page.get_by_text("line 2 of just now")).to_be_in_viewport(timeout=SOON)
    expect(page.get_by_text("most recent call first")).to_be_visible()


def test_that_the_server_is_away_is_said_and_passes(workers: Connection, tmp_path: Path) -> None:
    with (
        web_address(tmp_path / "log") as server,
        chromium() as browser,
        visit(browser, server, DESKTOP) as (page, _),
    ):
        page.goto(PAGE)
        page.route("**/now/", lambda route: route.abort())
        expect(page.get_by_text("The server is not reached. What is shown is of")).to_be_visible(timeout=SOON)
        page.unroute("**/now/")
        expect(page.locator("#unreached")).to_be_hidden(timeout=SOON)
        page.context.clear_cookies()
        expect(page.get_by_text("You are logged in no more")).to_be_visible(timeout=SOON)


def test_the_pages_fit_a_phone(workers: Connection, tmp_path: Path) -> None:
    with (
        web_address(tmp_path / "log") as server,
        chromium() as browser,
        visit(browser, server, PHONE) as (page, _),
    ):
        for path in (PAGE, f"{PAGE}worker-ethereum/", f"{PAGE}worker-ethereum/stop/"):
            page.goto(path)
            assert wider_than_the_screen(page) == 0, path
        page.goto(PAGE)
        expect(page.get_by_role("link", name="Stop worker-ethereum").locator(".fp-act-title")).to_be_visible()
