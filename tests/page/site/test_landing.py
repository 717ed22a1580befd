"""The landing page: one screen that introduces the lab, in light, dark and narrow; starting over."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, expect

from tests.page.site.conftest import SITE
from tests.page.site.lab import SitePage
from tools import site_pages
from tools.site_server import StaticSite
from tools.texts import of_pages

pytestmark = pytest.mark.page


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_is_readable_everywhere(browser: Any, host: StaticSite, theme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
    page = context.new_page()
    page.goto(host.url)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    expect(page.get_by_role("link", name="Open the lab")).to_be_in_viewport()
    if width > 1000:
        expect(page.get_by_role("button", name="List Secrets")).to_be_in_viewport()
    page.get_by_role("button", name="List Secrets").click()
    expect(page.locator("#answer")).to_contain_text('cannot list resource "secrets"')
    expect(page.locator("#stations [data-state=stop]")).to_have_text(re.compile("Authorization"))
    found = Axe().run(page).response["violations"]
    assert found == [], [violation["help"] for violation in found]
    context.close()


@pytest.mark.soak
@pytest.mark.parametrize("name", ["index", "notebooks/04-roles", "docs/grading"])
def test_the_documentation_leads_back_and_everybody_can_read_it(
    browser: Any, host: StaticSite, name: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{host.url}docs/{name}.html")
    found = Axe().run(page).response["violations"]
    assert [each["help"] for each in found if each["impact"] in ("critical", "serious")] == []
    page.locator(".announcement a").click()
    page.wait_for_url(
        "**/lab/index.html?path=04-roles.ipynb"
        if name.endswith("roles")
        else f"{host.url}index.html"
    )
    context.close()


KEEP = """async ([name, document]) => {
    const request = indexedDB.open(name, 1);
    const done = (each) => new Promise((resolve) => { each.onsuccess = () => resolve(each.result); });
    request.onupgradeneeded = () => request.result.createObjectStore("lab");
    const database = await done(request);
    const bytes = new TextEncoder().encode(document);
    await done(database.transaction("lab", "readwrite").objectStore("lab").put(bytes, ["progress", 0]));
    database.close();
}"""
"""Keeps a progress as the kernel does."""


def test_the_landing_page_continues_where_one_was(
    stranger: BrowserContext, host: StaticSite
) -> None:
    page = stranger.new_page()
    page.goto(host.url)
    expect(page.locator("#open")).to_have_text("Open the lab")
    steps = {f"W{number}": {"state": "passed"} for number in range(1, 9)} | {
        "W10": {"state": "failed"}
    }
    page.evaluate(KEEP, ["labkit:/labkit/", json.dumps({"steps": steps})])
    page.reload()
    expect(page.locator("#open")).to_have_text("Continue with W9")
    assert (
        page.locator("#open").get_attribute("href")
        == f"{host.url}lab/index.html?path=03-service-accounts.ipynb#W9"
    )
    expect(page.locator("[data-steps] .passes").nth(1)).to_have_text("✓ 4 of 4 passed")
    expect(page.locator("#total")).to_contain_text("8 of 30 steps passed")


def test_after_the_last_step_the_landing_leads_on(
    stranger: BrowserContext, host: StaticSite
) -> None:
    page = stranger.new_page()
    page.goto(host.url)
    own = page.locator("[data-steps]").evaluate_all("all => all.map((card) => card.dataset.steps)")
    steps = {step: {"state": "passed"} for step in " ".join(own).split()}
    page.evaluate(KEEP, ["labkit:/labkit/", json.dumps({"steps": steps})])
    page.reload()
    expect(page.locator("#total")).to_contain_text(f"{len(steps)} of {len(steps)} steps passed")
    page.get_by_role("link", name="On to the exercises").click()
    expect(page.get_by_role("heading", name="Exercises")).to_be_in_viewport()


def test_a_korean_browser_is_led_to_the_korean_page_unless_english_was_chosen(
    browser: Any, host: StaticSite
) -> None:
    context = browser.new_context(locale="ko-KR")
    page = context.new_page()
    page.goto(host.url)
    page.wait_for_url("**/ko.html")
    page.get_by_role("link", name="English").click()
    page.wait_for_url("**/index.html")
    page.goto(host.url)
    expect(page.get_by_role("link", name="Open the lab")).to_be_visible()
    context.close()


def test_the_landing_lets_see_a_refusal_and_then_a_pass(
    stranger: BrowserContext, host: StaticSite
) -> None:
    page = stranger.new_page()
    page.goto(host.url)
    page.get_by_role("button", name="List Secrets").click()
    expect(page.locator("#answer")).to_contain_text("403")
    page.get_by_role("button", name="Bind a Role").click()
    expect(page.locator("#answer")).to_contain_text("200")
    expect(page.locator("#stations [data-state=stop]")).to_have_count(0)


def test_five_things_are_two_presses_away_at_most(
    stranger: BrowserContext, host: StaticSite
) -> None:
    page = stranger.new_page()
    page.goto(host.url)
    page.evaluate(KEEP, ["labkit:/labkit/", json.dumps({"steps": {"W9": {"state": "passed"}}})])
    page.reload()
    # The exercises: one press shows them, the second opens one.
    page.get_by_role("link", name="Exercises", exact=True).click()
    exercise = page.locator("#exercises ~ ol a").first
    expect(exercise).to_be_in_viewport()
    exercise.click()
    page.wait_for_url("**/lab/index.html?path=exercises/ex1-api-server.ipynb")
    # Go on, which shows the remaining steps.
    page.goto(host.url)
    page.get_by_role("link", name="Continue with W1").click()
    expect(page.locator(".lk-dots a[data-state=open]").first).to_be_visible(timeout=90_000)
    # The language.
    page.goto(host.url)
    page.get_by_role("link", name="한국어").click()
    page.wait_for_url("**/ko.html")
    # A picture to share.
    page.goto(host.url)
    page.get_by_role("link", name="A picture of this decision").click()
    expect(page.locator("#picture .lk-stop")).to_be_visible()


def untranslated() -> list[str]:
    """Patterns of the page's texts that have no Korean yet, which a visitor reads in English until they have."""
    texts = site_pages.texts_of_pages("ko")
    missing = [str(each.id) for each in of_pages() if each.id and each.id not in texts]
    return [re.sub(r"\\{\w+\\}", r"[\\d.]+", re.escape(text)) for text in missing]


def test_the_korean_page_opens_the_korean_notebooks_and_continues(
    stranger: BrowserContext, host: StaticSite
) -> None:
    page = stranger.new_page()
    page.goto(host.url)
    page.evaluate(KEEP, ["labkit:/labkit/", json.dumps({"steps": {"W1": {"state": "passed"}}})])
    page.get_by_role("link", name="한국어").click()
    page.wait_for_url("**/ko.html")
    expect(page.locator("#open")).to_have_text("이어서 하기: W2")
    assert (
        page.locator("#open").get_attribute("href")
        == f"{host.url}lab/index.html?path=ko/01-api-server.ipynb#W2"
    )
    cards = page.locator(".cards li")
    expect(cards).to_have_count(7)
    assert all(
        "path=ko/" in each
        for each in page.locator(".cards a").evaluate_all("all => all.map((a) => a.href)")
    )
    found = Axe().run(page).response["violations"]
    assert found == [], [violation["help"] for violation in found]
    english = page.locator("main").inner_text()
    for pattern in untranslated():
        english = re.sub(pattern, "", english)
    assert not re.search(r"[a-z]{3,} [a-z]{3,} [a-z]{3,}", english), english
    page.locator("#drill").click()
    page.wait_for_url("**/drill-ko.html")
    page.get_by_role("link", name="실습", exact=True).click()
    page.wait_for_url("**/ko.html")


def test_who_comes_from_the_drill_is_offered_no_new_version(
    stranger: BrowserContext, host: StaticSite
) -> None:
    page = stranger.new_page()
    page.goto(f"{host.url}drill.html")
    page.wait_for_function("() => navigator.serviceWorker.controller")
    lab = SitePage(page, host)
    lab.open("00-start.ipynb")
    registered = "async () => (await navigator.serviceWorker.ready).active.scriptURL"
    assert page.evaluate(registered).endswith("service-worker.js?enableCache=false")
    assert page.evaluate("async () => (await navigator.serviceWorker.ready).waiting") is None
    assert lab.notice("version") == ""


@pytest.mark.usefixtures("host")
def test_learners_are_not_given_the_instructors_notebooks() -> None:
    assert (SITE / "files" / "00-start.ipynb").is_file()
    assert not list((SITE / "files").rglob("instructor"))


@pytest.mark.soak
def test_starting_over_forgets_the_lab(stranger: BrowserContext, host: StaticSite) -> None:
    lab = SitePage(stranger.new_page(), host)
    lab.begin(
        "old",
        [
            "from labkit import Lab\nlab = Lab()\nlab.apply({'apiVersion': 'v1', 'kind': 'Namespace', "
            "'metadata': {'name': 'old'}})"
        ],
    )
    lab.run_all()
    lab.page.goto(host.url)
    lab.page.on("dialog", lambda dialog: dialog.accept())
    lab.page.get_by_text("What is kept").click()
    lab.page.get_by_role("button", name="Start over").click()
    expect(lab.page.locator("#done")).to_contain_text("the lab is new")
    lab.begin("new", ["from labkit import Lab\nlab = Lab()"])
    lab.run_all()
    assert lab.run("print(lab.admin.get('/api/v1/namespaces/old').status)").endswith("404\n")
    listed = lab.page.evaluate(
        "async () => (await window.jupyterapp.serviceManager.contents.get('')).content.map(f => f.name)"
    )
    assert "old.ipynb" not in listed


@pytest.mark.soak
def test_the_work_goes_along_as_one_file(
    browser: Any, stranger: BrowserContext, host: StaticSite, tmp_path: Path
) -> None:
    start = "from labkit import Lab\nfrom labkit.ui import StartPanel\nlab = Lab()\nStartPanel()"
    made = "lab.apply({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'mine'}})"
    lab = SitePage(stranger.new_page(), host)
    lab.begin("mine", [start, "'written by me'"])
    lab.run_all()
    lab.run(f"{made}; lab.progress.mark('W9', 'passed')")
    lab.page.get_by_text("Go on elsewhere").first.click()
    with lab.page.expect_download() as loading:
        lab.page.get_by_role("button", name="Save my work as a file").first.click()
    file = tmp_path / "labkit-work.json"
    loading.value.save_as(file)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    there = SitePage(context.new_page(), host)
    there.begin("other", [start])
    there.run_all()
    there.page.get_by_text("Go on elsewhere").first.click()
    there.page.locator("input[type=file]").first.set_input_files(file)
    expect(there.page.get_by_text("Your work is here.").first).to_be_visible()
    found = there.run(
        "print(lab.admin.get('/api/v1/namespaces/mine').status, lab.progress.passed('W9'))"
    )
    assert found == "200 True\n"
    there.page.goto(host.url)
    expect(there.page.get_by_role("link", name="Continue with W1")).to_be_visible()
    there.open("mine.ipynb")
    expect(there.page.get_by_text("written by me").first).to_be_visible()
    context.close()
