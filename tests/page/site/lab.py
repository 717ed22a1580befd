"""A notebook in the site's JupyterLab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Page

from labkit.grading.exercises.notebooks import code, learner_notebook
from labkit.grading.tasks import EXERCISES
from tests.browser.jupyter import KERNEL, SECONDS, Notebook, WatchedNotebook
from tests.support.tab import Tab
from tools.site_server import StaticSite

LOOPBACK = "http://127.0.0.1:"


class SiteNotebook(Notebook):
    """A notebook's page of the site, which has no server but a static host's, in any browser.

    Args:
        page: The browser's tab.
        host: The static host.
    """

    def __init__(self, page: Tab, host: StaticSite) -> None:
        super().__init__(page)
        self.host = host
        self.lab = f"{host.url}lab/index.html"

    def open(self, name: str) -> None:
        """Open a notebook and wait for its kernel."""
        self.page.goto(f"{self.lab}?path={name}", timeout=SECONDS)
        self.ready(name)

    def ready(self, name: str) -> None:
        """Wait until a notebook is in front and its kernel is idle."""
        there = (
            f"() => window.jupyterapp?.shell?.currentWidget?.context?.path === '{name}' && {KERNEL}"
        )
        self.page.wait_for_function(there, timeout=SECONDS)
        self.idle()
        self.run("pass")  # a kernel counts as idle before its worker is there

    def begin(self, name: str, document: Any) -> None:
        """Save a notebook next to the site's, and open it alone; a list of sources is made into a notebook."""
        self.name = name
        if isinstance(document, list):
            document = self.notebook(document)
        if not self.page.url.startswith(self.lab):
            self.page.goto(f"{self.lab}?reset", timeout=SECONDS)
        self.page.wait_for_function(
            "() => window.jupyterapp?.serviceManager?.contents", timeout=SECONDS
        )
        script = """async ([path, content]) => {
            await window.jupyterapp.restored;
            const { contents, sessions } = window.jupyterapp.serviceManager;
            [...window.jupyterapp.shell.widgets("main")].forEach((widget) => widget.dispose());
            await sessions.shutdownAll();
            await contents.save(path, { type: "notebook", format: "json", content });
            await window.jupyterapp.commands.execute("docmanager:open", { path });
        }"""
        self.page.evaluate(script, [f"{name}.ipynb", document])
        self.ready(f"{name}.ipynb")

    def notebook(self, sources: Sequence[str]) -> Any:
        """A notebook of code cells."""
        metadata = learner_notebook(EXERCISES[0])["metadata"]
        cells = [code(f"c{number}", source) for number, source in enumerate(sources)]
        return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}

    def open_notebooks(self) -> list[str]:
        """The titles of the open tabs."""
        script = (
            "() => [...window.jupyterapp.shell.widgets('main')].map((widget) => widget.title.label)"
        )
        titles: list[str] = self.page.evaluate(script)
        return titles

    def notice(self, name: str) -> str:
        """The page's notice on storage; empty if there is none."""
        said: str = self.page.evaluate(
            f"() => document.getElementById('labkit-{name}')?.innerText ?? ''"
        )
        return said

    def wait_until_kept(self) -> None:
        """Wait until the service worker has stored the whole site."""
        self.page.wait_for_function(
            "() => document.documentElement.dataset.labkitKept", timeout=SECONDS
        )


class SitePage(SiteNotebook, WatchedNotebook):
    """The same in Chromium."""

    page: Page

    def elsewhere(self) -> list[str]:
        """The requests to other servers."""
        return [url for url in self.asked if not url.startswith((LOOPBACK, "data:", "blob:"))]
