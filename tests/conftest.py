"""What every test gets: a state directory of its own, no road to the user's files, and the blame for what it leaves."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.support.hygiene import (
    leaves_nothing_open,
    prepare,
    pytest_collection_finish,
)
from tests.support.chromium import FLAGS, chromium
from tests.support.scratch import servers_end_with_this_process

__all__ = ["leaves_nothing_open", "pytest_collection_finish"]

os.environ["LABKIT_LANG"] = "en"  # whatever the machine's language is
prepare()
servers_end_with_this_process()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Directories for ``labkit_home``: ``mktemp`` would read the names of all before for each new one."""
    directory = tmp_path_factory.mktemp("labkit-homes")
    return (directory / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def labkit_home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh ``LABKIT_HOME``, and places for kubectl and IPython that are not the user's."""
    home = next(homes)
    home.mkdir(mode=0o700)
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
