"""Three kinds of browsers with empty profiles: Chromium, and Firefox and WebKitGTK if they are installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.page.site.lab import LOOPBACK, SiteNotebook, SitePage
from tests.support.chromium import FLAGS, chromium
from tests.support.firefox import Firefox
from tests.support.webkit import WebKit
from tools.site_server import StaticSite

BESIDE = [
    pytest.param("firefox", marks=pytest.mark.soak),
    pytest.param("webkit", marks=pytest.mark.soak),
]
ALL = ["chromium", *BESIDE]

SIZE: Any = {"width": 1280, "height": 900}
REFUSED = {
    "chromium": {"profile": {"default_content_setting_values": {"cookies": 2}}},
    "firefox": {"network.cookie.cookieBehavior": 2},
    "webkit": [
        "--enable-html5-database=false",
        "--enable-html5-local-storage=false",
        "--cookies-policy=never",
    ],
}
"""Each browser's own settings that let a site keep nothing."""


@contextmanager
def stranger_in(kind: str, browser: Any, folder: Path, host: StaticSite) -> Iterator[SiteNotebook]:
    """The site in a browser of this kind, with an empty profile.

    Args:
        kind: ``chromium``, ``firefox`` or ``webkit``.
        browser: The Chromium that all tests share.
        folder: An empty directory.
        host: The server of the site.
    """
    if kind == "firefox":
        with Firefox(folder) as firefox:
            yield SiteNotebook(firefox, host)
    elif kind == "webkit":
        with WebKit() as webkit:
            yield SiteNotebook(webkit, host)
    else:
        context = browser.new_context(viewport=SIZE)
        refuse_other_hosts(context)
        page = SitePage(context.new_page(), host)
        yield page
        assert page.elsewhere() == []
        context.close()


@contextmanager
def refusing(kind: str, browser: Any, folder: Path, host: StaticSite) -> Iterator[SiteNotebook]:
    """The same, with settings that block all storage of sites."""
    settings: Any = REFUSED[kind]
    if kind == "firefox":
        with Firefox(folder, settings) as firefox:
            yield SiteNotebook(firefox, host)
    elif kind == "webkit":
        with WebKit(*settings) as webkit:
            yield SiteNotebook(webkit, host)
    else:
        (folder / "Default").mkdir()
        (folder / "Default" / "Preferences").write_text(json.dumps(settings))
        context = browser.browser_type.launch_persistent_context(
            folder, executable_path=chromium(), args=FLAGS
        )
        yield SitePage(context.new_page(), host)
        context.close()


def refuse_other_hosts(context: BrowserContext) -> None:
    """Refuse requests to servers that are not on this machine."""
    context.route(
        lambda url: not url.startswith((LOOPBACK, "data:", "blob:")), lambda route: route.abort()
    )
