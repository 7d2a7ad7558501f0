"""/api/v1/docs in a real browser: it shows the API, tries it out, and asks nobody but this server."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from indexer.chains.models import Chain
from tests.processes import web_address

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def url(chains: list[Chain], tmp_path: Path) -> Iterator[str]:
    with web_address(tmp_path / "web.log") as address:
        yield address


@pytest.fixture
def page() -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


@pytest.mark.slow
def test_the_page_works_from_this_server_alone(url: str, page: Page) -> None:
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
    page.on("console", lambda message: failed.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(f"{url}/api/v1/docs")
    operation = page.locator("#operations-Chains-listChains")
    expect(operation).to_contain_text("List the chains")
    operation.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text('"chain": "hilltop"')
    assert len(asked) > 5
    assert [address for address in asked if not address.startswith((url, "data:"))] == []
    assert failed == []
