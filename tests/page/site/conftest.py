"""The built site on a static host, and JupyterLab of it in Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.page.site.browsers import ALL, SIZE, refuse_other_hosts, stranger_in
from tests.page.site.lab import SiteNotebook, SitePage
from tools.notebooks import ROOT
from tools.site_server import StaticSite, served

SITE = ROOT / "build" / "site"

Opener = Callable[..., SitePage]


@pytest.fixture(scope="session")
def host() -> Iterator[StaticSite]:
    """The site, below a path of its own."""
    if not (SITE / "index.html").is_file():
        pytest.skip("there is no site in build/site (make site)")
    with served(SITE) as server:
        yield server


@pytest.fixture(scope="session")
def shared(browser: Any, host: StaticSite) -> Iterator[BrowserContext]:
    """A learner's browser on a second visit: the offline data of the site is there."""
    context = browser.new_context(viewport=SIZE)
    refuse_other_hosts(context)
    page = SitePage(context.new_page(), host)
    page.begin("first", [])
    page.wait_until_kept()
    page.page.close()
    yield context
    context.close()


@pytest.fixture
def site_page(shared: BrowserContext, host: StaticSite) -> Iterator[SitePage]:
    """A fresh page of that browser."""
    page = shared.new_page()
    opened = SitePage(page, host)
    yield opened
    page.close()
    assert opened.elsewhere() == []


@pytest.fixture
def stranger(browser: Any) -> Iterator[BrowserContext]:
    """A browser that has never been here."""
    context = browser.new_context(viewport=SIZE)
    refuse_other_hosts(context)
    yield context
    context.close()


@pytest.fixture(params=ALL)
def visitor(
    request: pytest.FixtureRequest, tmp_path: Path, browser: Any, host: StaticSite
) -> Iterator[SiteNotebook]:
    """The site in each kind of browser, which has never been here."""
    folder = tmp_path / "profile"
    folder.mkdir()
    with stranger_in(request.param, browser, folder, host) as notebook:
        yield notebook
