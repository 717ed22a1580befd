"""JupyterLab for the browser suite; Chromium is everybody's (tests/conftest.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.jupyter import Jupyter, NotebookPage, running_jupyter


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser."""
    for item in items:
        if item.nodeid.startswith("tests/browser/"):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[Jupyter]:
    """JupyterLab in its light theme."""
    with running_jupyter(tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture(scope="session")
def dark_jupyter(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[Jupyter]:
    """JupyterLab in its dark theme."""
    with running_jupyter(tmp_path_factory.mktemp("dark"), "JupyterLab Dark") as running:
        yield running


@pytest.fixture
def notebook(browser: Any, jupyter: Jupyter) -> Iterator[NotebookPage]:
    """A fresh page on the light JupyterLab."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    yield NotebookPage(page, jupyter)
    page.close()


@pytest.fixture(params=["lab", "notebook"])
def either(
    request: pytest.FixtureRequest, browser: Any, jupyter: Jupyter
) -> Iterator[NotebookPage]:
    """A fresh page on JupyterLab, then one on Notebook 7."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    yield NotebookPage(page, jupyter, request.param)
    page.close()


@pytest.fixture
def classic(browser: Any, jupyter: Jupyter) -> Iterator[NotebookPage]:
    """A fresh page on the light Notebook 7."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    yield NotebookPage(page, jupyter, "notebook")
    page.close()


@pytest.fixture
def dark_classic(browser: Any, dark_jupyter: Jupyter) -> Iterator[NotebookPage]:
    """A fresh page on the dark Notebook 7."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    yield NotebookPage(page, dark_jupyter, "notebook")
    page.close()


@pytest.fixture
def dark_notebook(browser: Any, dark_jupyter: Jupyter) -> Iterator[NotebookPage]:
    """A fresh page on the dark JupyterLab."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    yield NotebookPage(page, dark_jupyter)
    page.close()
