"""The slides of a part in Chromium, with the reveal.js that ``labkit slides`` names: they fill the page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from kube_embedded.tests.support.some import some
from labkit.cli import run
from labkit.presenter import slides
from tools.notebooks import ROOT

pytestmark = pytest.mark.page

REVEAL = ROOT / "build" / "page" / "node_modules" / "reveal.js"
SHAPES = [(1280, 720), (1024, 768), (1920, 1080), (420, 800)]

FILLS = """() => {
    const { left, top, right, bottom } = Reveal.getCurrentSlide().getBoundingClientRect();
    return [left, top, innerWidth - right, innerHeight - bottom].map((gap) => Math.round(Math.abs(gap)));
}"""
SEEN = """() => {
    const slide = Reveal.getCurrentSlide();
    return {
        wide: slide.scrollWidth - slide.clientWidth,
        zoom: Number(slide.style.getPropertyValue("--zoom")),
        pictures: [...slide.querySelectorAll("img")].every((each) => each.complete && each.naturalWidth),
    };
}"""
NEXT = """() => {
    const before = Reveal.getCurrentSlide();
    while (Reveal.getCurrentSlide() === before && Reveal.getProgress() < 1) Reveal.next();
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The slides of a part next to a copy of reveal.js."""
    if not REVEAL.is_dir():
        pytest.skip("there is no reveal.js in build/page (make build/page/.is-set-up)")
    place = tmp_path_factory.mktemp("slides")
    shutil.copytree(REVEAL, place / "reveal.js")
    assert (
        run(["slides", "04-roles", "--out", str(place / "page.html"), "--reveal", "reveal.js"]) == 0
    )
    return place


def opened(browser: Any, folder: Path, shape: tuple[int, int]) -> tuple[Page, list[str]]:
    page = browser.new_page(viewport={"width": shape[0], "height": shape[1]})
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on(
        "request",
        lambda request: trouble.extend(
            [] if request.url.startswith(("file:", "data:")) else [request.url]
        ),
    )
    page.goto((folder / "page.html").as_uri())
    page.wait_for_function("() => window.Reveal?.isReady()")
    page.evaluate("() => Reveal.configure({ transition: 'none' })")
    return page, trouble


def test_the_version_that_is_named_is_the_one_that_is_tested() -> None:
    version = slides.REVEAL.partition("@")[2]
    assert f'"reveal.js": "{version}"' in (ROOT / "page" / "package.json").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_every_slide_fills_the_page_and_is_never_too_wide(
    browser: Any, folder: Path, shape: tuple[int, int]
) -> None:
    page, trouble = opened(browser, folder, shape)
    zooms = []
    for _ in some(range(page.evaluate("() => Reveal.getTotalSlides()"))):
        assert page.evaluate(FILLS) == [0, 0, 0, 0]
        seen = page.evaluate(SEEN)
        assert seen["wide"] <= 0
        assert seen["pictures"]
        zooms.append(seen["zoom"])
        page.evaluate(NEXT)
    assert page.evaluate("() => Reveal.isLastSlide()")
    assert max(zooms) > 1, "what is short is large"
    assert trouble == []
    page.close()


def test_notes_open_in_a_window_of_their_own(browser: Any, folder: Path) -> None:
    page, _ = opened(browser, folder, SHAPES[0])
    page.keyboard.press("ArrowRight")
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    popup.value.get_by_text("Ask: Two new namespaces, a pod in each.").wait_for()
    popup.value.get_by_text("They made the pod in default").wait_for()
    page.close()
