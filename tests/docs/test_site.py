"""The built site: no warnings, no broken links, short paths to each page, no external files, no wide pages."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe

from labkit import lessons
from tests.docs.conftest import Site

pytestmark = pytest.mark.browser

LINK = re.compile(r'<a [^>]*?href="([^"]+)"')
NARROW = 400
THEMES_OWN = {"aria-required-attr", "landmark-unique", "empty-table-header"}
"""What axe finds in the theme's navigation, and in tables whose head Markdown requires and nobody needs."""
TOO_WIDE = """() => {
    const beyond = (element) => element.getBoundingClientRect().right > innerWidth + 1;
    const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX) && !beyond(element);
    const within = (element) => !element.matches(".content") && (scrolls(element) || within(element.parentElement));
    return [...document.querySelectorAll(".content *")]
        .filter((element) => element.checkVisibility() && beyond(element) && !within(element))
        .map((element) => element.outerHTML.slice(0, 80));
}"""
"""What reaches beyond the window and lies in no box that scrolls, so that the whole text moves sideways."""
ROLES = "notebooks/04-roles.html"


def inside(page: str, link: str) -> tuple[str, str]:
    """Return the target page of a page's link, and the anchor in it."""
    address, _, anchor = html.unescape(link).partition("#")
    target = Path("/", page).parent / unquote(address) if address else Path("/", page)
    parts: list[str] = []
    for part in target.parts[1:]:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts), unquote(anchor)


def links(site: Site, page: str, *, text_only: bool = False) -> set[tuple[str, str]]:
    """Return a page's links to this site: those in its text, or the navigation's as well."""
    shown = site.read(page)
    if text_only:
        shown = re.findall(r"<article.*?</article>", shown, re.DOTALL)[0]
    return {inside(page, link) for link in LINK.findall(shown) if not re.match(r"[a-z]+:", link)}


def test_it_is_built_without_a_warning(site: Site) -> None:
    assert site.code == 0, site.said
    assert "WARNING" not in site.said
    assert {
        "index.html",
        ROLES,
        "docs/instructor.html",
        "docs/glossary.html",
        "CONTRIBUTING.html",
    } <= set(site.pages)


def test_every_page_is_two_clicks_from_the_first_one(site: Site) -> None:
    seen = fresh = {"index.html"}
    for _ in range(2):
        fresh = {target for page in fresh for target, _ in links(site, page, text_only=True)} & set(
            site.pages
        ) - seen
        seen = seen | fresh
    assert set(site.pages) - seen == set()


def test_every_link_inside_leads_to_a_page_and_its_anchor(site: Site) -> None:
    anchors = {page: set(re.findall(r'\bid="([^"]+)"', site.read(page))) for page in site.pages}
    lost = [
        (page, target, anchor)
        for page in site.pages
        for target, anchor in links(site, page)
        if not (site.folder / target).is_file()
        or (anchor and target in anchors and anchor not in anchors[target])
    ]
    assert lost == []


def test_a_document_and_its_korean_text_lead_to_each_other(site: Site) -> None:
    documents = [page for page in site.pages if re.match(r"docs/[\w-]+\.html", page)]
    assert len(documents) > 15
    for page in documents:
        other = page.replace("docs/", "docs/ko/")
        assert '<html class="no-js" lang="en"' in site.read(page)
        assert '<html class="no-js" lang="ko"' in site.read(other)
        assert (other, "") in links(site, page, text_only=True)
        assert (page, "") in links(site, other, text_only=True)
        assert not re.search(
            r'>(Next|Previous|Back to top)<|On this page|placeholder="Search"', site.read(other)
        )
    assert '<html class="no-js" lang="ko"' in site.read("README.ko.html")


def test_links_to_other_servers_are_listed(site: Site) -> None:
    lines = (site.folder / "outside-links.txt").read_text().splitlines()
    assert any(
        re.match(r"https://kubernetes\.io/\S+  .*notebooks/02-inside-a-pod", line) for line in lines
    )
    assert f"{len(lines)} links to other servers, not opened" in site.said


def test_the_lessons_have_their_outputs_and_no_path_of_this_machine(site: Site) -> None:
    for step in lessons.STEPS:
        assert any(
            f"{step} passed:" in site.read(page)
            for page in site.pages
            if page.startswith("notebooks/0")
        )
    for page in site.pages:
        if not page.startswith("notebooks/"):
            continue
        shown = site.read(page)
        assert "/lk-" not in shown
        assert str(Path(__file__).resolve().parents[2]) not in shown
        assert "eyJhbGciOi" not in re.sub(r"eyJhbGciOi[\w-]*…", "", shown), "a token"
    assert site.read(ROLES).count("Show one solution") > 10


def test_no_page_asks_another_server_or_misses_a_file(site: Site, browser: Any) -> None:
    asked: set[str] = set()
    failed: list[str] = []
    page = browser.new_page()
    page.on("request", lambda request: asked.add(request.url))
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    for name in [*site.pages, "search.html?q=binding"]:
        page.goto(f"{site.folder.as_uri()}/{name}")
        page.wait_for_load_state("networkidle")
    page.locator("#search-results li").first.wait_for()
    page.close()
    assert len(asked) > len(site.pages)
    assert [url for url in asked if not url.startswith((site.folder.as_uri(), "data:"))] == []
    assert failed == []


def test_no_page_is_wider_than_a_narrow_window(site: Site, browser: Any) -> None:
    page = browser.new_page(viewport={"width": NARROW, "height": 800})
    wide = {}
    for name in site.pages:
        page.goto(f"{site.folder.as_uri()}/{name}")
        if found := page.evaluate(TOO_WIDE):
            wide[name] = found
    page.close()
    assert wide == {}


@pytest.mark.parametrize("width", [NARROW, 1280])
def test_a_word_explains_itself_to_the_pointer_and_the_keyboard(
    site: Site, browser: Any, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(f"{site.folder.as_uri()}/{ROLES}")
    word = page.locator(".lk-term").first
    tip = word.locator(".lk-tip")
    assert not tip.is_visible()
    word.hover()
    assert tip.is_visible()
    assert tip.inner_text().startswith("namespace · 네임스페이스 (W5): a room in the cluster")
    box = tip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.mouse.move(0, 0)
    assert not tip.is_visible()
    page.keyboard.press("Tab")
    word.focus()
    assert tip.is_visible()
    word.press("Enter")
    page.wait_for_url("**/docs/glossary.html#term-namespace")
    assert page.locator("#term-namespace").inner_text().startswith("namespace")
    page.close()


@pytest.mark.parametrize(("theme", "other"), [("light", "dark"), ("dark", "light")])
def test_diagrams_follow_the_theme(site: Site, browser: Any, theme: str, other: str) -> None:
    page = browser.new_page(color_scheme=theme)
    page.goto(f"{site.folder.as_uri()}/docs/architecture.html")
    shown, hidden = (
        page.locator(f".lk-diagram .only-{theme}"),
        page.locator(f".lk-diagram .only-{other}"),
    )
    assert shown.count() == hidden.count() == 6
    assert all(shown.nth(number).is_visible() for number in range(6))
    assert not any(hidden.nth(number).is_visible() for number in range(6))
    assert all(
        shown.nth(number).evaluate("(image) => image.naturalWidth") > 200 for number in range(6)
    )
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", [ROLES, "docs/architecture.html", "docs/instructor.html"])
def test_everybody_can_read_it(site: Site, browser: Any, name: str, theme: str) -> None:
    page = browser.new_page(color_scheme=theme, viewport={"width": 1280, "height": 900})
    page.goto(f"{site.folder.as_uri()}/{name}")
    found = Axe().run(page).response["violations"]
    page.close()
    assert [
        (rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["id"] not in THEMES_OWN
    ] == []
