"""The site's Korean font: fetched by a Korean page, and only where the system has none."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.support.chromium import FLAGS, chromium
from tools import site_fonts, site_pages
from tools.site_server import StaticSite, served

pytestmark = pytest.mark.page

LATIN = Path(sys.prefix) / "share" / "jupyter" / "lab" / "static"
"""JupyterLab's fonts, none of which has Korean letters."""
NAMES = "() => performance.getEntriesByType('resource').map(({ name }) => name.split('/fonts/')[1]).filter(Boolean)"
LOADED = "() => [...document.fonts].some(({ family, status }) => family.includes('Korean') && status === 'loaded')"


@pytest.fixture
def landing(tmp_path: Path) -> Iterator[StaticSite]:
    folder = tmp_path / "site"
    folder.mkdir()
    site_fonts.add_fonts(folder)
    site_pages.add_landing(folder, 1)
    with served(folder) as host:
        yield host


@pytest.fixture
def without_korean(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """A browser on a system without Korean letters."""
    settings = tmp_path / "fonts.conf"
    settings.write_text(
        f"<?xml version='1.0'?><fontconfig><dir>{LATIN}</dir><cachedir>{tmp_path}/cache</cachedir></fontconfig>"
    )
    environment = {**os.environ, "FONTCONFIG_FILE": str(settings)}
    opened = browser.browser_type.launch(executable_path=chromium(), args=FLAGS, env=environment)
    yield opened
    opened.close()


def test_a_system_without_korean_letters_gets_those_that_a_page_shows(
    without_korean: Any, landing: StaticSite
) -> None:
    page = without_korean.new_page()
    page.goto(f"{landing.url}ko.html")
    page.wait_for_function(LOADED)
    parts = {name for name in page.evaluate(NAMES) if name.endswith(".woff2")}
    assert 0 < len(parts) < 40
    page.goto(f"{landing.url}index.html")
    assert page.evaluate(NAMES) == []


def test_an_installed_font_is_enough(browser: Any, landing: StaticSite) -> None:
    page = browser.new_page()
    page.add_init_script("window.FontFace = class { load() { return Promise.resolve(this); } };")
    page.goto(f"{landing.url}ko.html")
    page.wait_for_function("() => document.readyState === 'complete'")
    assert page.evaluate(NAMES) == ["ko.js"]
    page.close()


def test_the_lab_looks_for_a_font_in_korean_alone(
    stranger: BrowserContext, host: StaticSite
) -> None:
    page = stranger.new_page()
    page.goto(f"{host.url}lab/index.html?path=ko/00-start.ipynb")
    page.wait_for_function(f"() => ({NAMES})().includes('ko.js')")
    page.goto(f"{host.url}lab/index.html?path=00-start.ipynb")
    assert page.evaluate(NAMES) == []
