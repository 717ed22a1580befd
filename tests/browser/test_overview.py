"""The teacher's overview in a browser: it sorts, prints, and loads and runs only its own code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from labkit.grading.reports.overview import write_overview
from tests.grading import classroom


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The overview of a class of which some hand in markup."""
    folder = tmp_path_factory.mktemp("class")
    write_overview(classroom.results(60), classroom.submissions(folder / "s", 30), folder)
    return (folder / "overview.html").as_uri()


class Opened:
    """A page, with its requests and errors."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.asked: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: self.said.append(dialog.message))
        page.goto(address)

    def column(self, table: str, number: int) -> list[str]:
        """The texts of a table's column."""
        return self.page.locator(f"#{table} tbody tr td:nth-child({number})").all_inner_texts()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Opened]:
    """The overview on a wide screen."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield Opened(page, address)
    page.close()


def test_it_loads_and_runs_nothing_but_its_own(opened: Opened, address: str) -> None:
    expect(opened.page.locator("body")).to_contain_text("invalid syntax (<cell …>")  # as text
    assert opened.asked == [address]
    assert opened.said == []
    opened.page.evaluate(
        "() => { const it = document.createElement('img'); it.src = 'https://x.test/'; document.body.append(it); }"
    )
    expect(opened.page.locator("img")).to_have_count(1)
    assert any("Content Security Policy" in line for line in opened.said)


def test_a_heading_sorts_its_column_by_numbers_and_words(opened: Opened) -> None:
    heading = opened.page.locator("#tasks th", has_text="share")
    heading.get_by_role("button").click()
    shares = [int(text.removesuffix(" %")) for text in opened.column("tasks", 4)]
    assert shares == sorted(shares)
    expect(heading).to_have_attribute("aria-sort", "ascending")
    heading.get_by_role("button").press("Enter")
    assert [int(text.removesuffix(" %")) for text in opened.column("tasks", 4)] == sorted(
        shares, reverse=True
    )
    opened.page.locator("#tasks th", has_text="title").get_by_role("button").click()
    titles = opened.column("tasks", 3)
    assert titles == sorted(titles, key=str.casefold)
    assert opened.page.locator("#tasks [aria-sort]").count() == 1


def test_a_screen_reader_hears_the_bars_and_the_headings(opened: Opened) -> None:
    bars = opened.page.get_by_role("img").first
    assert (bars.get_attribute("aria-label") or "").startswith("ex4-roles: ")
    assert " with 0 to 10 percent" in (bars.get_attribute("aria-label") or "")
    assert opened.page.get_by_role("region", name="Similar code").count() >= 1
    headings = opened.page.get_by_role("heading", level=2).all_inner_texts()
    assert headings[:3] == ["Exercises", "Learners", "What the class believes"]
    assert opened.page.get_by_role("navigation", name="Contents").get_by_role(
        "link"
    ).count() == len(headings)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 600])
def test_no_text_makes_the_page_wider_than_the_screen(
    browser: Any, address: str, width: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(address)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    colour = page.evaluate("() => getComputedStyle(document.body).color")
    assert colour == {"light": "rgb(26, 26, 26)", "dark": "rgb(232, 232, 232)"}[scheme]
    page.close()


def test_on_paper_everything_is_open_and_fits(opened: Opened) -> None:
    closed = "details:not([open])"
    assert opened.page.locator(closed).count() > 0
    opened.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert opened.page.locator(closed).count() == 0
    opened.page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert opened.page.locator(closed).count() > 0
    opened.page.set_viewport_size({"width": 718, "height": 1000})  # A4 between Chromium's margins
    opened.page.emulate_media(media="print")
    assert opened.page.evaluate("() => document.documentElement.scrollWidth") <= 718
    assert opened.page.pdf(format="A4").startswith(b"%PDF")


def test_without_scripts_nothing_is_missing(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("#tasks tbody tr").count() == 8
    page.locator("#similar summary").first.click()
    expect(page.locator("#similar ol").first).to_be_visible()
    context.close()
