"""How long a widget takes from its cell to the screen, in a real JupyterLab."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.jupyter import Jupyter, NotebookPage, running_jupyter
from tests.support.chromium import FLAGS, chromium

SET_UP = "from labkit import Lab\nlab = Lab()\n_ = lab.rewind('W18')\nask = '/api/v1/namespaces/kikai/services'"
PEOPLE = "['kikai/default', 'darbo/default']"
MAKE = {
    "matrix": f"AccessMatrix(lab, {PEOPLE}, namespace='kikai')",
    "graph": "RBACGraph(lab, who='kikai/default', request='list services', namespace='kikai')",
    "xray": "XRay(lab.as_service_account('darbo/default').get(ask), lab)",
    "token": "TokenInspector(lab, lab.pod_token('kikai/test'))",
    "terminal": "PodTerminal(lab, 'kikai/test')",
    "board": "Board(lab)",
    "start": "StartPanel()",
}
WIDGETS = {
    name: f"from labkit.ui import {make.partition('(')[0]}\n{make}" for name, make in MAKE.items()
}
GOAL = 150
"""Milliseconds."""
READING = 1500
"""Milliseconds between a lab's cell and the first widget's."""

SCRIPT = """async ([index, name]) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    notebook.deselectAll();
    notebook.activeCellIndex = index;
    const cell = notebook.widgets[index];
    cell.node.scrollIntoView();
    cell.node.querySelectorAll(`.lk-${name}`).forEach((old) => { old.dataset.old = "1"; });
    await new Promise((resolve) => setTimeout(resolve, 300));
    let answered = 0;
    const listen = (_kernel, message) => {
        if (message.header.msg_type === "execute_result") answered = performance.now();
    };
    kernel.iopubMessage.connect(listen);
    const wanted = `.jp-OutputArea .lk-${name}:not([data-old]) h3`;
    const begun = performance.now();
    const painted = new Promise((resolve) => {
        const look = () => {
            if (!cell.node.querySelector(wanted)) return requestAnimationFrame(look);
            // A message posted in a frame is read after that frame's paint.
            const channel = new MessageChannel();
            channel.port1.onmessage = () => resolve(performance.now());
            channel.port2.postMessage(0);
        };
        requestAnimationFrame(look);
    });
    window.jupyterapp.commands.execute("notebook:run-cell");
    const seen = await painted;
    kernel.iopubMessage.disconnect(listen);
    return [answered - begun, seen - answered];
}"""


@dataclass(frozen=True)
class Times:
    """What one widget took, in milliseconds, for each time it was shown.

    Args:
        kernel: From the cell's start to its result in the page.
        page: From there to the painted widget.
    """

    kernel: list[float]
    page: list[float]

    @property
    def whole(self) -> list[float]:
        """From the cell's start to the painted widget."""
        return [kernel + page for kernel, page in zip(self.kernel, self.page, strict=True)]

    def text(self) -> str:
        """Median and minimum, and where the median time goes."""
        middle = statistics.median
        return (
            f"median {middle(self.whole):.0f} ms, min {min(self.whole):.0f}"
            f" (kernel {middle(self.kernel):.0f}, page {middle(self.page):.0f})"
        )


def widgets(rounds: int = 7, fresh: int = 3) -> Iterator[tuple[str, str, str]]:
    """Rows for the report: the first widget of a kernel and a page, then each kind when one was shown.

    Args:
        rounds: How often each widget is shown.
        fresh: How many new kernels and pages show a first one.
    """
    if not chromium():
        yield "a widget on the screen", "not measured: Chromium is not installed", f"{GOAL} ms"
        return
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder,
        running_jupyter(Path(folder) / "lab") as jupyter,
    ):
        jupyter.write("widgets.ipynb", [SET_UP, *WIDGETS.values()])
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            first = Times([], [])
            for _ in range(fresh):
                notebook = _open(browser, jupyter)
                _show(notebook, "matrix", first)
                notebook.page.close()
            yield "first widget of a new kernel and page", first.text(), f"{GOAL} ms"
            notebook = _open(browser, jupyter)
            for name in WIDGETS:
                times = Times([], [])
                _show(notebook, name, Times([], []))
                for _ in range(rounds):
                    _show(notebook, name, times)
                yield f"{name} on the screen", times.text(), f"{GOAL} ms"
            browser.close()


def _open(browser: Any, jupyter: Jupyter) -> NotebookPage:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    notebook = NotebookPage(page, jupyter)
    notebook.open("widgets.ipynb")
    page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    notebook.idle()
    page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
    notebook.idle()
    page.wait_for_timeout(READING)
    return notebook


def _show(notebook: NotebookPage, name: str, times: Times) -> None:
    kernel, drawn = notebook.page.evaluate(SCRIPT, [1 + list(WIDGETS).index(name), name])
    times.kernel.append(kernel)
    times.page.append(drawn)
    notebook.idle()
