"""The handout and the cheat sheet in Chromium: one printed page each, and readable on every screen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_class import SCREENS, Screen
from tools import handouts

PAGE = re.compile(rb"/Type\s*/Page\b")
A4 = re.compile(rb"/MediaBox\s*\[0 0 59[45](?:\.\d+)? 84[12](?:\.\d+)?\]")


@pytest.mark.parametrize("name", ["handout.html", "cheat-sheet.html"])
def test_each_is_one_page_of_a4_and_fits_every_screen(
    browser: Any, tmp_path: Path, name: str
) -> None:
    handouts.main(["--out", str(tmp_path)])
    for width, scheme in SCREENS:
        context = browser.new_context(viewport={"width": width, "height": 740}, color_scheme=scheme)
        screen = Screen(context.new_page())
        screen.page.goto((tmp_path / name).as_uri())
        assert screen.problems() == []
        assert screen.said == []
        pdf = screen.page.pdf(prefer_css_page_size=True, print_background=True)
        assert len(PAGE.findall(pdf)) == 1
        assert len(A4.findall(pdf)) == 1
        context.close()


def test_a_page_too_long_would_be_seen(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "long.html"
    file.write_text(
        handouts.pages()["handout.html"].replace(
            '<tr class="part">', "<tr><td>more<br>more</td></tr>" * 4
        )
    )
    page = browser.new_page()
    page.goto(file.as_uri())
    assert len(PAGE.findall(page.pdf(prefer_css_page_size=True))) == 2
    page.close()
