"""The drill on its own page, without a kernel, and as a widget: keyboard, phone, two tabs, no storage, no network."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from kube_embedded.tests.support.until import until
from labkit.lessons.progress import Progress
from labkit.practice import keeping
from labkit.practice.pool import pool
from labkit.ui.drill import Drill
from tests.browser.host import Host
from tests.browser.test_widgets import axe
from tests.support.korean import HANGUL
from tools import site, site_pages
from tools.notebooks import ROOT
from tools.site_server import StaticSite, served

WORKER = """self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));"""
"""What JupyterLite's own service worker does besides."""
QUESTIONS = {
    (each["text"], each["ask"], each.get("note", "")): each for each in pool()["questions"]
}
IDEA = 4


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StaticSite]:
    """The drill's part of the site."""
    folder = tmp_path_factory.mktemp("site")
    site_pages.add_drill(folder)
    (folder / "service-worker.js").write_text(WORKER)
    shutil.copyfile(
        ROOT / "docs" / "diagrams" / "architecture-1-light.svg", folder / "icon-120x120.png"
    )
    site.add_service_worker(folder)
    with served(folder) as server:
        yield server


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """A phone."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    yield context
    context.close()


def opened(context: Any, host: StaticSite) -> Page:
    page: Page = context.new_page()
    page.goto(f"{host.url}drill.html")
    expect(page.get_by_role("heading", name="Who may do what here?")).to_be_visible()
    return page


def question_on(page: Any) -> dict[str, Any]:
    """The page's question."""
    text, ask = (
        page.locator(".lk-policy").first.inner_text(),
        page.locator(".lk-ask").first.inner_text(),
    )
    shown = page.locator(".lk-body p").all_inner_texts()
    notes = {note for _, _, note in QUESTIONS} & {*shown}
    question: dict[str, Any] = QUESTIONS[text, ask, notes.pop() if notes else ""]
    return question


def answer(page: Any, idea: int) -> None:
    """Answer as somebody with an idea does."""
    question = question_on(page)
    allowed = question["allowed"] != (idea in question["wrong"])
    page.get_by_role("button", name="Allowed" if allowed else "Forbidden", exact=True).click()


def believe(page: Any, idea: int) -> None:
    """Answer until something is found."""
    for _ in range(40):
        answer(page, idea)
        page.get_by_role("button", name="Next question").click()
        if not page.get_by_role("button", name="Allowed", exact=True).is_visible():
            return


def kept(page: Page) -> Any:
    return json.loads(page.evaluate("() => localStorage.getItem('labkit-drill')"))


def no_violations(page: Page) -> None:
    found = page.evaluate(f"async () => {{ {axe()}; return (await axe.run(document)).violations }}")
    assert [each["help"] for each in found if each["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_session_on_a_phone_ends_with_what_one_believes(
    browser: Any, host: StaticSite, theme: str
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=theme)
    page = opened(context, host)
    no_violations(page)
    page.get_by_role("button", name="Begin").click()
    no_violations(page)
    answer(page, IDEA)
    expect(page.get_by_role("heading", name="Why?")).to_be_visible()
    no_violations(page)
    page.locator('[data-key="why-0"]').click()
    expect(page.locator(".lk-body p[role=status]")).to_be_visible()
    page.get_by_role("button", name="Next question").click()
    believe(page, IDEA)
    expect(page.get_by_role("heading", name="You may believe this")).to_be_visible()
    expect(page.locator(".lk-idea")).to_contain_text(pool()["beliefs"][IDEA]["name"])
    page.locator("summary").first.click()
    no_violations(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    assert list(kept(page)["ideas"]) == [pool()["beliefs"][IDEA]["id"]]
    context.close()


def test_it_works_by_keyboard_alone(context: Any, host: StaticSite) -> None:
    page = opened(context, host)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Allowed", exact=True)).to_be_visible()
    for _ in range(3):
        page.locator('[data-key="answer"]').focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Next question")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Allowed", exact=True)).to_be_focused()


def test_what_was_found_comes_back_and_can_be_switched_off(context: Any, host: StaticSite) -> None:
    page = opened(context, host)
    idea = pool()["beliefs"][IDEA]["id"]
    put(page, {**keeping.new(), "ideas": {idea: {"found": 1000, "at": 1000, "back": 0}}})
    expect(page.locator(".lk-body")).to_contain_text("One idea comes back today.")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="This was wrong before")).to_be_visible()
    for _ in range(2):
        answer(page, -1)
        page.get_by_role("button", name="Next question").click()
    assert kept(page)["ideas"][idea]["back"] == 1
    put(page, {**keeping.new(), "ideas": {idea: {"found": 1000, "at": 1000, "back": 0}}})
    page.get_by_role("button", name="What is kept").click()
    page.get_by_role("checkbox").uncheck()
    page.get_by_role("button", name="Back").click()
    expect(page.locator(".lk-body")).not_to_contain_text("back today")


def put(page: Page, value: object) -> None:
    """Put something into the page's storage, and reload the page."""
    page.evaluate("(text) => localStorage.setItem('labkit-drill', text)", json.dumps(value))
    page.reload()
    expect(page.get_by_role("heading", name="Who may do what here?")).to_be_visible()


def test_two_tabs_lose_nothing(context: Any, host: StaticSite) -> None:
    pages = [opened(context, host), opened(context, host)]
    asked = set()
    for page in pages:
        page.get_by_role("button", name="Begin").click()
    for _ in range(2):
        for page in pages:
            asked.add(question_on(page)["id"])
            answer(page, -1)
            page.get_by_role("button", name="Next question").click()
    assert {*kept(pages[0])["asked"]} == asked


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"version": 2, "asked": {}}, "A newer labkit kept what is there of the drill."),
        ([1], "What was kept of the drill is damaged. It begins anew."),
        (
            {"version": 1, "ideas": {"tomorrow": {"found": 1, "at": 1, "back": 0}}},
            "entries are left out",
        ),
        ({**keeping.new(), "asked": {"x": 9e10}}, "The clock was set back."),
    ],
)
def test_odd_data_is_said_and_it_goes_on(
    context: Any, host: StaticSite, value: Any, said: str
) -> None:
    page = opened(context, host)
    put(page, value)
    expect(page.locator(".lk-notice")).to_contain_text(said)
    page.get_by_role("button", name="Begin").click()
    answer(page, -1)
    expect(page.get_by_role("button", name="Next question")).to_be_visible()
    stored = kept(page)
    assert stored == value if "newer" in said else len(stored["asked"]) in (1, 2)


def test_without_storage_it_says_so_and_goes_on(context: Any, host: StaticSite) -> None:
    refused = "() => { throw new DOMException('no', 'SecurityError'); }"
    context.add_init_script(f"Storage.prototype.getItem = Storage.prototype.setItem = {refused}")
    page = opened(context, host)
    page.get_by_role("button", name="Begin").click()
    answer(page, -1)
    expect(page.locator(".lk-notice")).to_contain_text("This browser stores nothing here.")
    page.get_by_role("button", name="Next question").click()
    answer(page, -1)


def test_it_works_without_network_after_the_first_visit(context: Any, host: StaticSite) -> None:
    page = opened(context, host)
    kept = """async () => {
      const files = ["drill.html", "drill.js", "drill-pool.json"];
      return (await Promise.all(files.map((file) => caches.match(file)))).every(Boolean);
    }"""
    until(lambda: page.evaluate(kept))  # wait_for_function treats a promise as true
    context.set_offline(True)
    page.reload()
    page.get_by_role("button", name="Begin").click()
    answer(page, -1)


def test_before_and_after_show_the_gain(context: Any, host: StaticSite) -> None:
    page = opened(context, host)
    for name, idea in (("before", IDEA), ("after", -1)):
        page.get_by_role("button", name=f"Ten questions {name} the lessons").click()
        for _ in range(10):
            answer(page, idea)
        page.get_by_role("button", name="Back").click()
    page.get_by_role("button", name="What is kept").click()
    lost = sum(
        each.get("set") == "before" and IDEA in each["wrong"] for each in pool()["questions"]
    )
    expect(page.locator(".lk-body")).to_contain_text(f"Gain: +{lost}")
    assert lost
    no_violations(page)


def test_what_the_lab_keeps_is_joined_and_counted(context: Any, host: StaticSite) -> None:
    page = opened(context, host)
    put(page, {**keeping.new(), "ideas": {"any-group": {"found": 1000, "at": 1000, "back": 0}}})
    lab = {**keeping.new(), "ideas": {"get-includes-list": {"found": 2000, "at": 2000, "back": 1}}}
    count = "async (lab) => (await import('./drill.js')).comingBack(lab)"
    assert page.evaluate(count, lab) == 2
    assert {*kept(page)["ideas"]} == {"any-group", "get-includes-list"}
    assert page.evaluate(count, None) == 2
    put(page, {**kept(page), "off": {"value": True, "at": 3000}})
    assert page.evaluate(count, lab) == 0


def test_the_page_to_print_has_the_lessons_of_the_lab(context: Any, host: StaticSite) -> None:
    page = opened(context, host)
    page.evaluate(
        "() => localStorage.setItem('labkit-course', '3 of 30 steps passed, 1 of 2 first guesses right')"
    )
    gone = {"any-group": {"found": 1000, "at": 1000, "back": 3}}
    put(page, {**keeping.new(), "ideas": gone, "measured": {"before": {"at": 1, "right": 4}}})
    page.get_by_role("button", name="What is kept").click()
    for text in (
        "3 of 30 steps passed, 1 of 2 first guesses right.",
        "4 of 10 right",
        pool()["beliefs"][11]["name"],
    ):
        expect(page.locator(".lk-body")).to_contain_text(text)
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()


def test_another_language_is_fetched_when_it_is_chosen_and_what_was_done_stays(
    context: Any, host: StaticSite
) -> None:
    page, asked = opened(context, host), []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.get_by_role("button", name="Begin").click()
    answer(page, -1)
    assert "drill-ko.json" not in asked
    page.get_by_role("link", name="한국어").click()
    expect(page.get_by_role("heading", name="누가 무엇을 할 수 있는가?")).to_be_visible()
    assert "drill-ko.json" in asked
    assert page.locator("html").get_attribute("lang") == "ko"
    no_violations(page)
    page.get_by_role("button", name="저장된 기록").click()
    expect(page.locator(".lk-body")).to_contain_text("최근 30일 동안 질문 1개에 답했다.")
    page.get_by_role("button", name="돌아가기").click()
    page.get_by_role("button", name="시작").click()
    expect(page.locator(".lk-ask")).to_contain_text("서비스 어카운트는")
    page.get_by_role("button", name="허용", exact=True).click()
    expect(page.get_by_role("heading", name="왜 그런가?")).to_be_visible()
    said = page.locator(".lk-said p, .lk-reasons button").all_inner_texts()
    names = re.compile(r"(Cluster)?RoleBinding \S+-b")
    assert [text for text in said if not HANGUL.search(text) and not names.fullmatch(text)] == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    page.get_by_role("link", name="English").click()
    page.get_by_role("button", name="What is kept").click()
    expect(page.locator(".lk-body")).to_contain_text("2 questions were asked in the last 30 days.")


def test_the_widget_keeps_it_with_the_progress(browser: Any, tmp_path: Path) -> None:
    progress = Progress(tmp_path / "progress.json")
    page = browser.new_page(viewport={"width": 800, "height": 720})
    shown = Host(page, "vscode-dark")
    shown.show("drill", Drill(progress))
    widget = shown.widget("drill")
    widget.get_by_role("button", name="Begin").click()
    believe(widget, IDEA)
    expect(widget.locator(".lk-idea")).to_contain_text(pool()["beliefs"][IDEA]["name"])
    expect(widget).not_to_have_attribute("aria-busy", "true")
    found, said = keeping.read(progress.drill())
    assert (list(found["ideas"]), said) == ([pool()["beliefs"][IDEA]["id"]], "")
    assert shown.refused() == []
    assert shown.errors == []
    page.close()
