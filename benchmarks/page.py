"""How long the lab in a browser's page takes, and how much memory its tab has."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import psutil

from labkit.grading.exercises.notebooks import code
from tests.page.site.lab import SitePage
from tests.support.chromium import FLAGS, chromium
from tools.notebooks import ROOT, notebook, sources
from tools.site_server import StaticSite, served

SITE = ROOT / "build" / "site"
READING = 3000
"""Milliseconds between a notebook that is ready and its first cell."""

STEPS = """async () => {
    const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
    const { kernel } = sessionContext.session;
    const took = [];
    for (const cell of content.widgets.filter(({ model }) => model.type === "code")) {
        const begun = performance.now();
        const reply = await kernel.requestExecute({ code: cell.model.sharedModel.source, stop_on_error: false }).done;
        if (reply.content.status !== "ok") throw new Error(`${cell.model.id}: ${reply.content.evalue}`);
        took.push([cell.model.id, performance.now() - begun]);
    }
    return took;
}"""
"""Runs the notebook's cells one after the other, and measures each."""


def page(rounds: int = 3) -> Iterator[tuple[str, str, str]]:
    """Rows for the report, from the built site in a browser that has been there before.

    Args:
        rounds: How often the page is opened.
    """
    if not chromium() or not (SITE / "index.html").is_file():
        yield "the lab in a page", "not measured: it needs Chromium and `make site`", ""
        return
    from playwright.sync_api import sync_playwright

    with served(SITE) as host, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        first = SitePage(context.new_page(), host)
        first.begin("first", ["from labkit import Lab\nlab = Lab()"])
        first.wait_until_kept()
        first.page.close()
        opened, labs = [], []
        for _ in range(rounds):
            seconds, tab = _open(context, host)
            opened.append(seconds)
            labs.append(_timed(tab, "from labkit import Lab\nlab = Lab(); lab.admin.get('/api/v1/namespaces')"))
            memory = _memory()
            tab.page.close()
        yield "page, from click to a cell that ran, warm", f"{statistics.median(opened):.1f} s", "8 s"
        yield "page, first Lab() and its first answer", f"{statistics.median(labs):.1f} s", "5 s"
        yield "the tab's memory then", f"{memory:.0f} MiB", "400 MiB"
        yield from _lessons(context, host)
        browser.close()


def _open(context: Any, host: StaticSite) -> tuple[float, SitePage]:
    """Click on the landing page's button; the seconds until a cell has run."""
    tab = SitePage(context.new_page(), host)
    tab.page.goto(host.url)
    begun = time.perf_counter()
    tab.page.locator("a.door.first").click()
    tab.ready("00-start.ipynb")
    return time.perf_counter() - begun, tab


def _timed(tab: SitePage, source: str) -> float:
    begun = time.perf_counter()
    tab.run(source)
    return time.perf_counter() - begun


def _lessons(context: Any, host: StaticSite) -> Iterator[tuple[str, str, str]]:
    """All notebooks by their solutions, each in a kernel of its own, which is loaded before."""
    took: dict[str, float] = {}
    for source in sources():
        tab = SitePage(context.new_page(), host)
        document = notebook(source, solved=True)
        cells = [code(cell.id, cell.source) for cell in document.cells if cell.cell_type == "code"]
        tab.begin(source.stem + "-bench", {**tab.notebook([]), "cells": cells})
        tab.page.wait_for_timeout(READING)
        took |= {f"{source.stem} {name}": milliseconds / 1000 for name, milliseconds in tab.page.evaluate(STEPS)}
        memory = _memory()
        tab.page.close()
    slowest = max(took, key=lambda name: took[name])
    yield "all six notebooks in the page, their cells", f"{sum(took.values()):.1f} s", "10 s"
    yield "the slowest of these cells", f"{took[slowest]:.2f} s ({slowest})", "1 s"
    yield "the tab's memory after the last", f"{memory:.0f} MiB", "400 MiB"


def _memory() -> float:
    """What the largest of the browser's pages has for itself, in MiB."""
    renderers = [each for each in psutil.Process().children(recursive=True) if "--type=renderer" in each.cmdline()]
    return max(float(each.memory_full_info().uss) for each in renderers) / 1024**2
