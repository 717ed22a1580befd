"""What every test gets: a state directory of its own, no road to the user's files, and the blame for what it leaves."""

from __future__ import annotations

import gc
import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support import inherited, properties
from tests.support.chromium import FLAGS, chromium
from tests.support.server import servers_end_with_this_process

# jsonschema compiles 38 grammars of this at its import, for formats that no test asks for, and does without.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None: it cannot be imported
os.environ["LABKIT_LANG"] = "en"  # whatever the machine's language is
inherited.heed_signals()
properties.load_profiles()
servers_end_with_this_process()


def pytest_collection_finish() -> None:
    """Exempt what stays until the end, such as the tests themselves, from garbage collection.

    Otherwise every collection looks at all of it: a sixth of the time of ``make test``.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def leaves_nothing_open() -> Iterator[None]:
    """Collect garbage after each module, so that a socket or a file that a test left open fails this module.

    Otherwise the warning of what is not closed comes whenever the collector runs next, amid another test.
    A collection takes 0.1 s, so it is left out if nothing is open that was not open before.
    """
    before = open_files()
    yield
    after = open_files()
    if before is None or after is None or after - before:
        gc.collect()


def open_files() -> set[str] | None:
    """The files and sockets that this process has open; None where the system does not tell."""
    names: set[str] = set()
    try:
        for number in os.listdir("/proc/self/fd"):
            # The directory itself was open while it was listed.
            with suppress(FileNotFoundError):
                names.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
    except FileNotFoundError:
        return None
    return names


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
