"""The first minutes in the page: the bar, the lesson's header, and a new version that takes over."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.jupyter import SECONDS
from tests.page.site.browsers import SIZE, refuse_other_hosts
from tests.page.site.conftest import SITE
from tests.page.site.lab import SitePage
from tools.site_server import StaticSite, served

pytestmark = pytest.mark.page

WATCH_BAR = """() => {
    window.barSaid = [];
    const look = () => {
        const bar = document.getElementById("labkit-loading")?.innerText.trim() ?? "";
        if (bar !== window.barSaid.at(-1)) window.barSaid.push(bar);
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
}"""
"""Notes what the bar says, from the page's beginning on."""
UNANSWERED = """(site) => {
    fetch(`${site}api/drive`, { method: "POST", body: JSON.stringify({ browsingContextId: "gone", data: {} }) });
    return new Promise((resolve) => setTimeout(resolve, 500));
}"""
"""Asks for a file in the name of a page that is gone, as a kernel that outlives its page does."""


def test_the_bar_counts_the_bytes_that_the_landing_promises_until_the_first_cell_has_answered(
    stranger: BrowserContext, host: StaticSite
) -> None:
    page = stranger.new_page()
    page.goto(host.url)
    [promised] = re.findall(r"Loads (\d+) MB once", page.inner_text("body"))
    page.add_init_script(f"({WATCH_BAR})()")
    page.goto(f"{host.url}lab/index.html?path=00-start.ipynb")
    run = page.locator(".lk-lesson .lk-run")
    for _ in range(3):
        run.click(timeout=SECONDS)
    expect(page.locator(".jp-OutputArea-output").first).to_be_visible(timeout=SECONDS)
    expect(page.locator("#labkit-loading")).to_have_count(0)
    said = page.evaluate("() => window.barSaid")
    counts = [re.search(r"Loading: ([\d.]+) of ([\d.]+) MB", each) for each in said]
    amounts = [(float(count[1]), float(count[2])) for count in counts if count]
    assert {round(total) for _, total in amounts} == {int(promised)}
    loaded = [amount for amount, _ in amounts]
    assert loaded == sorted(loaded)
    assert len(set(loaded)) > 20, "it counts whole files"
    assert loaded[-1] > 0.95 * int(promised)
    assert any("Running your first cell" in each for each in said), said[-5:]


def test_a_new_version_takes_over_though_a_request_is_never_answered(
    browser: Any, tmp_path: Path
) -> None:
    shutil.copytree(SITE, tmp_path / "site")
    script = tmp_path / "site" / "static" / "loading.js"
    worker = tmp_path / "site" / "service-worker.js"
    with served(tmp_path / "site") as host:
        context = browser.new_context(viewport=SIZE)
        refuse_other_hosts(context)
        visitor = SitePage(context.new_page(), host)
        page = visitor.page
        visitor.open("01-api-server.ipynb")
        visitor.wait_until_kept()
        script.write_text(script.read_text() + "\nwindow.labkitVersion = 'new';\n")
        text = re.sub(r"(const VERSION = `labkit-.*)`", r"\1-new`", worker.read_text(), count=1)
        worker.write_text(text)
        visitor.open("01-api-server.ipynb")
        page.evaluate(UNANSWERED, re.sub("^https?://[^/]+", "", host.url))
        page.locator("#labkit-version").get_by_role("button", name="Reload").click(timeout=SECONDS)
        page.wait_for_function("() => window.labkitVersion === 'new'", timeout=SECONDS)
        context.close()


def test_a_lesson_fills_its_dots_and_goes_to_the_step_of_its_address(site_page: SitePage) -> None:
    page = site_page.page
    page.goto(f"{site_page.lab}?path=03-service-accounts.ipynb#W12", timeout=SECONDS)
    expect(page.get_by_role("heading", name="W12")).to_be_in_viewport(timeout=SECONDS)
    assert not page.locator(".jp-SideBar, #jp-MainMenu").first.is_visible()
    site_page.ready("03-service-accounts.ipynb")
    dot = page.locator('.lk-dots a[href="#W9"]')
    expect(dot).not_to_have_attribute("data-state", "passed")
    site_page.run("from labkit import Lab\nlab = Lab()\nlab.progress.mark('W9', 'passed')")
    expect(dot).to_have_attribute("data-state", "passed", timeout=SECONDS)
