"""What every test gets: a state directory of its own, and no road to the user's files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import properties
from tests.support.chromium import FLAGS, chromium

properties.load_profiles()


@pytest.fixture(autouse=True)
def labkit_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh ``LABKIT_HOME``, and places for kubectl and IPython that are not the user's."""
    home = tmp_path_factory.mktemp("labkit-home")
    monkeypatch.setenv("LABKIT_HOME", str(home))
    monkeypatch.setenv("KUBECACHEDIR", str(home / "kube-cache"))
    monkeypatch.setenv("KUBECONFIG", str(home / "no-such-kubeconfig"))
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    return home


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium, one for all suites: Playwright runs once in a process."""
    if not chromium():
        pytest.skip(
            "Chromium is not installed (apt-get install chromium); tests/ui and tests/docs cover what needs none"
        )
    from playwright.sync_api import expect, sync_playwright

    from tests.browser.jupyter import SECONDS

    expect.set_options(timeout=SECONDS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield launched
        launched.close()
