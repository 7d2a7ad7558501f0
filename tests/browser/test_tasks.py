"""The pages about tasks in a real browser: a run is followed while it goes on, steered, and fits a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from indexer.chains.connections import Connection
from tests.browser.chromium import chromium, wider_than_the_screen
from tests.browser.test_admin import DESKTOP, PASSWORD, PHONE, visit
from tests.people import make_user
from tests.processes import web_address
from tests.tasks.told import tell_line, tell_partition, tell_run, told

__all__ = ["told"]

pytestmark = pytest.mark.slow

TASKS, RUNS, GRIDS = "/admin/tasks/schedule/", "/admin/tasks/taskrun/", "/admin/tasks/partition/"
SOON = 5_000
"""Milliseconds within which a page must show what has happened: it asks every two seconds."""


@pytest.fixture
def running(told: Connection) -> int:
    """A run of sync-pools at work, behind some that are over; and a grid of sync-historical."""
    make_user("superuser", PASSWORD)
    for number in range(12):
        state = "failed" if number == 7 else "succeeded"
        tell_run(told, "sync-pools", state, started_at=60.0 + number * 3, changed=number, error="gone" * (number == 7))
    for number in range(300):
        state = "failed" if number % 40 == 3 else "complete" if number < 180 else "missing"
        tell_partition(
            told, f"pool-{number:03}", state, task="sync-historical", error="502 Bad Gateway" * (state == "failed")
        )
    run = tell_run(told, "sync-pools", "running", done=1000, total=50_000, worker="tasks@here")
    tell_line(told, run, "50,000 pools have come")
    return run


def test_a_run_is_followed_and_steered_while_it_goes_on(running: int, told: Connection, tmp_path: Path) -> None:
    with (
        web_address(tmp_path / "log") as server,
        chromium() as browser,
        visit(browser, server, DESKTOP) as (page, foreign),
    ):
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        follow_a_run(page, told, running)
        cancel_it(page)
        pause_a_schedule(page, told)
        edit_it(page)
        resume_a_backfill(page, told)
        assert errors == foreign == []


def follow_a_run(page: Page, connection: Connection, run: int) -> None:
    page.goto(f"{RUNS}{run}/change/")
    expect(page.get_by_text("1,000 of 50,000 (2%)").first).to_be_visible()
    expect(page.locator(".fp-chart rect")).to_have_count(13)
    connection.execute("UPDATE public.task_runs SET done = 25000 WHERE id = %s", [run])
    tell_line(connection, run, "half of them are stored")
    expect(page.get_by_text("25,000 of 50,000 (50%)").first).to_be_visible(timeout=SOON)
    expect(page.locator(".fp-log")).to_contain_text("half of them are stored")


def cancel_it(page: Page) -> None:
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_text("some-superuser wants it ended").first).to_be_visible()


def pause_a_schedule(page: Page, connection: Connection) -> None:
    page.goto(TASKS)
    page.get_by_role("button", name="Pause sync-pools").click()
    row = page.locator('tr[data-key="sync-pools"]')
    expect(row.locator(".fp-label").filter(has_text="paused")).to_be_visible()
    assert connection.execute("SELECT paused FROM public.task_schedules WHERE name = 'sync-pools'").fetchone() == (
        True,
    )


def edit_it(page: Page) -> None:
    page.get_by_title("Edit the schedule sync-pools").click()
    page.fill("#id_cron", "61 * * * *")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#id_cron_error")).to_contain_text("cron '61 * * * *' cannot be read")
    page.fill("#id_cron", "*/20 * * * *")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Every 20th minute")).to_be_visible()


def resume_a_backfill(page: Page, connection: Connection) -> None:
    page.goto(f"{GRIDS}sync-historical/")
    expect(page.locator(".fp-cell")).to_have_count(300)
    page.get_by_role("button", name="Resume what failed").click()
    expect(page.get_by_text("it does what is missing, has failed or is stale")).to_be_visible()
    queued = connection.execute("SELECT count(*) FROM public.task_runs WHERE task = 'sync-historical'").fetchone()
    assert queued == (1,)


def test_the_pages_fit_a_phone(running: int, tmp_path: Path) -> None:
    with (
        web_address(tmp_path / "log") as server,
        chromium() as browser,
        visit(browser, server, PHONE) as (page, _),
    ):
        for path in (TASKS, RUNS, f"{RUNS}{running}/change/", GRIDS, f"{GRIDS}sync-historical/"):
            page.goto(path)
            assert wider_than_the_screen(page) == 0, path
