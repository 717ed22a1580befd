"""How long the lab in a browser's page takes beside a bare Pyodide, and how much memory its tab has."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from labkit.grading.exercises.notebooks import code
from tests.page.site.lab import SiteNotebook
from tests.support.chromium import FLAGS, chromium
from tests.support.firefox import Firefox
from tests.support.tab import MILLISECONDS, Tab
from tools.notebooks import ROOT, notebook, sources
from tools.site import PYODIDE
from tools.site_server import StaticSite, served

SITE = ROOT / "build" / "site"
BARE = Path(__file__).parent / "bare_pyodide"
"""A page that loads Pyodide as npm has it, and nothing else."""
ROUNDS = 5
READING_SECONDS = 3.0
"""Between a notebook that is ready and its first cell."""
CONTENT_PROCESSES = {"chromium": "--type=renderer", "firefox": "-contentproc"}

CLICK = """() => {
    const begun = Date.now();
    document.getElementById("open").click();
    return begun;
}"""
ANSWERS = """async () => {
    const kernel = () => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel;
    while (!kernel()) await new Promise((again) => setTimeout(again, 5));
    await kernel().requestExecute({ code: "pass" }).done;
    return Date.now();
}"""
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
FIRST_LAB = """async () => {
    const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
    const code = "from labkit import Lab\\nlab = Lab()\\nlab.admin.get('/api/v1/namespaces')";
    const begun = performance.now();
    await kernel.requestExecute({ code }).done;
    return performance.now() - begun;
}"""

Row = tuple[str, str, str]


def page() -> Iterator[Row]:
    """Rows for the report, from the built site in browsers that have been there before."""
    if not (SITE / "index.html").is_file():
        yield "the lab in a page", "not measured: it needs `make site`", ""
        return
    with tempfile.TemporaryDirectory(prefix="lk-") as directory:
        site = Path(directory) / "site"
        shutil.copytree(SITE, site)
        shutil.copytree(PYODIDE, site / "bare")
        shutil.copytree(BARE, site / "bare", dirs_exist_ok=True)
        with served(site) as host:
            for name, opened in (("chromium", _chromium), ("firefox", _firefox)):
                try:
                    with opened() as new_tab:
                        yield from _browser(name, new_tab, host)
                except FileNotFoundError as missing:
                    yield f"the lab in {name}", f"not measured: {missing}", ""


def _browser(name: str, new_tab: Callable[[], Tab], host: StaticSite) -> Iterator[Row]:
    """Rows of one browser: in turns a bare Pyodide and the lab."""
    first = SiteNotebook(new_tab(), host)
    first.begin("first", ["from labkit import Lab\nlab = Lab()", "import kubernetes"])
    first.run_all()
    first.wait_until_kept()
    bare, imports, opened, labs, memory = [], [], [], [], []
    for number in range(ROUNDS + 1):
        for lab in (
            number % 2 == 0,
            number % 2 == 1,
        ):  # neither is always the one that follows the other
            tab = new_tab()
            tab.goto(host.url if lab else f"{host.url}bare/index.html", timeout=MILLISECONDS)
            begun = tab.evaluate(CLICK)
            tab.wait_for_function(
                "() => window.jupyterapp ?? window.answered", timeout=MILLISECONDS
            )
            if lab:
                opened.append(tab.evaluate(ANSWERS) - begun)
                labs.append(tab.evaluate(FIRST_LAB))
                memory.append(_memory(name))
            else:
                bare.append(tab.evaluate("() => window.answered") - begun)
                imports.append(tab.evaluate("() => window.importClient()"))
        if number == 0:  # the browser compiles and caches in it
            for each in (bare, imports, opened, labs, memory):
                each.clear()
    base, cells = statistics.median(bare), _lessons(new_tab, host)
    slowest, client = max(cells, key=lambda cell: cells[cell]), statistics.median(imports)
    yield f"{name}: a bare Pyodide, from click to an answer", f"{base / 1000:.2f} s", ""
    yield f"{name}: the lab, from click to an answer", _beside(opened, bare), "1.5"
    yield f"{name}: the first Lab() and its answer", _beside(labs, bare), "0.2"
    yield f"{name}: a bare `import kubernetes`", f"{client / 1000:.2f} s", ""
    yield f"{name}: the slowest cell beside it", f"{cells[slowest] / client:.2f} ({slowest})", "1.0"
    yield f"{name}: all notebooks' cells", f"{sum(cells.values()) / 1000:.1f} s", "10 s, idle"
    yield (
        f"{name}: the tab's memory",
        f"{max(memory):.0f} MiB, at the end {_memory(name):.0f}",
        "350 MiB",
    )


def _beside(took: list[float], bare: list[float]) -> str:
    """The median of the ratios to the same round's bare Pyodide, and the median itself."""
    ratios = sorted(mine / base for mine, base in zip(took, bare, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}; {statistics.median(took) / 1000:.2f} s)"


def _lessons(new_tab: Callable[[], Tab], host: StaticSite) -> dict[str, float]:
    """How long each cell of all notebooks' solutions takes; each notebook in a kernel of its own, loaded before."""
    took: dict[str, float] = {}
    for source in sources():
        tab = SiteNotebook(new_tab(), host)
        document = notebook(source, solved=True)
        cells = [code(cell.id, cell.source) for cell in document.cells if cell.cell_type == "code"]
        tab.begin(source.stem + "-bench", {**tab.notebook([]), "cells": cells})
        time.sleep(READING_SECONDS)
        took |= {
            f"{source.stem} {name}": milliseconds for name, milliseconds in tab.page.evaluate(STEPS)
        }
    return took


@contextmanager
def _chromium() -> Iterator[Callable[[], Tab]]:
    """A Chromium that has been nowhere; each tab takes the place of the last."""
    if not chromium():
        raise FileNotFoundError("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 900})

        def new_tab() -> Tab:
            tab = context.new_page()
            for other in context.pages[:-1]:
                other.close()
            return tab

        yield new_tab
        browser.close()


@contextmanager
def _firefox() -> Iterator[Callable[[], Tab]]:
    """The same in Firefox."""
    with tempfile.TemporaryDirectory(prefix="lk-") as profile, Firefox(Path(profile)) as firefox:
        yield firefox.new_tab


def _memory(name: str) -> float:
    """What the largest of the browser's pages has for itself, in MiB."""
    children: list[Any] = psutil.Process().children(recursive=True)
    pages = [each for each in children if CONTENT_PROCESSES[name] in each.cmdline()]
    return max(float(each.memory_full_info().uss) for each in pages) / 1024**2
