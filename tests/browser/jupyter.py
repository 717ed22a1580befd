"""A real JupyterLab on a temporary root, and a page of it in a real Chromium.

The same server also serves Notebook 7, at another address.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Locator, Page

from labkit.core.display import SYMBOLS
from tests.support.jupyter import START_SECONDS, wait_until_it_answers
from tests.support.tab import Tab

SECONDS = 90_000
"""Milliseconds that a loaded machine may take for one thing to appear."""

SETTINGS = {
    # Cells outside the window must be in the page to be found.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}

NOT_A_LEARNERS = ("@jupyter/nbgrader", "@jupyter-notebook/lab-extension", "jupyterlab-jupytext")
"""Extensions of the tests' environment; a learner's JupyterLab shows none of their buttons."""


@dataclass(frozen=True)
class Jupyter:
    """A running JupyterLab.

    Args:
        url: Its address.
        token: Its token.
        root: The directory it shows.
        home: The kernels' ``LABKIT_HOME``.
    """

    url: str
    token: str
    root: Path
    home: Path

    def write(self, name: str, cells: Sequence[str]) -> str:
        """Write a notebook of code cells, and of Markdown where one begins with ``## ``; returns its name."""
        document = {
            "cells": [_cell(number, source) for number, source in enumerate(cells)],
            "metadata": {
                "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (self.root / name).write_text(json.dumps(document))
        return name


def _cell(number: int, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"id": f"c{number}", "metadata": {}, "source": source}
    if source.startswith("## "):
        return {**cell, "cell_type": "markdown"}
    return {**cell, "cell_type": "code", "outputs": [], "execution_count": None}


@contextmanager
def running_jupyter(
    folder: Path,
    theme: str = "JupyterLab Light",
    state: Path | None = None,
    options: Sequence[str] = (),
) -> Iterator[Jupyter]:
    """Start JupyterLab in a folder of its own, and stop it by its process id.

    Args:
        folder: An empty directory.
        theme: ``JupyterLab Light`` or ``JupyterLab Dark``.
        state: The kernels' ``LABKIT_HOME``; in the folder when left out.
        options: Further options of JupyterLab.
    """
    root, config = folder / "root", folder / "config"
    state = state or folder / "home" / "labkit"
    for place in (root, state.parent, config):
        place.mkdir(parents=True)
    settings = {**SETTINGS, "@jupyterlab/apputils-extension/themes": {"theme": theme}}
    for name, values in settings.items():
        file = config / "lab" / "user-settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    page = config / "labconfig" / "page_config.json"
    page.parent.mkdir()
    page.write_text(json.dumps({"disabledExtensions": dict.fromkeys(NOT_A_LEARNERS, True)}))
    token = secrets.token_hex(16)
    environment = {
        **os.environ,
        "LABKIT_HOME": str(state),
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    log = (folder / "jupyter.log").open("wb")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ServerApp.port=0",
            f"--IdentityProvider.token={token}",
            f"--ServerApp.root_dir={root}",
            "--ServerApp.ip=127.0.0.1",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            *options,
        ],
        env=environment,
        stdout=log,
        stderr=log,
    )
    try:
        url = _address(process, folder)
        yield Jupyter(url, token, root, state)
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()
        subprocess.run(
            [sys.executable, "-m", "labkit", "down"],
            env=environment,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _address(process: subprocess.Popen[bytes], folder: Path) -> str:
    """Return its address: it chooses a free port itself, and stores the number."""
    log, written = folder / "jupyter.log", folder / "runtime" / f"jpserver-{process.pid}.json"
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(f"JupyterLab ended: {log.read_text()[-2000:]}")
        with suppress(OSError, ValueError):
            url = f"http://127.0.0.1:{json.loads(written.read_text())['port']}"
            wait_until_it_answers(url)
            return url
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab does not start: {log.read_text()[-2000:]}")


class Notebook:
    """The notebook that is in front in a tab of any browser.

    Args:
        page: The browser's tab.
    """

    page: Tab

    def __init__(self, page: Tab) -> None:
        self.page = page
        self.errors: list[str] = []

    def run_all(self) -> None:
        """Run every cell and wait for the end; the command's promise is fulfilled when the kernel is done.

        Raises:
            AssertionError: A cell ended with an error, which stops the rest.
        """
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.idle()
        errors = [
            output
            for outputs in self.outputs()
            for output in outputs
            if output["output_type"] == "error"
        ]
        assert not errors, f"{errors[0]['ename']}: {errors[0]['evalue']}"

    def idle(self) -> None:
        """Wait until the kernel is idle."""
        self.page.wait_for_function(f"() => {KERNEL}?.status === 'idle'", timeout=SECONDS)

    def run(self, code: str) -> str:
        """Run code in the notebook's kernel, outside any cell; return its output."""
        script = """async (code) => {
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            const future = kernel.requestExecute({ code, store_history: false });
            let text = "";
            future.onIOPub = (message) => {
                if (message.header.msg_type === "stream") text += message.content.text;
                if (message.header.msg_type === "error") text += message.content.evalue;
            };
            await future.done;
            return text;
        }"""
        return str(self.page.evaluate(script, code))

    def outputs(self) -> list[Any]:
        """The plain text of each code cell's outputs."""
        script = f"""() => {CELLS}.filter((cell) => {CODE}).map((cell) => cell.outputs.toJSON())"""
        return list(self.page.evaluate(script))

    def verdicts(self) -> dict[str, bool]:
        """Return the results of the checks that were run, by the cell's id."""
        return {name: text.startswith(SYMBOLS["good"]) for name, text in self.texts().items()}

    def texts(self) -> dict[str, str]:
        """Return the texts of the checks that were run, by the cell's id."""
        script = f"() => {CELLS}.map((cell) => [cell.id, cell.sharedModel.source, cell.outputs?.toJSON() ?? []])"
        found = [
            each
            for each in self.page.evaluate(script)
            if re.match(r"(paper\.)?check\(", each[1]) and each[2]
        ]
        return {name: outputs[-1]["data"]["text/plain"] for name, _, outputs in found}

    def score(self) -> tuple[float, float]:
        """The exercise's points so far, and the most there are."""
        points, most = self.run("found = paper.score(); print(found.points, found.most)").split()
        return float(points), float(most)

    def write(self, texts: list[str]) -> None:
        """Write into the first cells, one text each."""
        script = (
            "(texts) => texts.forEach((text, number) => CELLS[number].sharedModel.setSource(text))"
        )
        self.page.evaluate(script.replace("CELLS", CELLS), texts)

    def nothing_is_wrong(self) -> None:
        """No output is an error, and the page has none of the forbidden texts."""
        assert not [
            output
            for outputs in self.outputs()
            for output in outputs
            if output["output_type"] == "error"
        ]
        page = self.page.evaluate("() => document.querySelector('.jp-Notebook').innerText")
        assert not [text for text in BAD if text in page]
        assert not self.errors


class WatchedNotebook(Notebook):
    """A notebook in Chromium, which reports the page's requests and its failing scripts.

    Args:
        page: The browser's page.
    """

    page: Page

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.asked: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", self._failed)

    def _failed(self, error: Error) -> None:
        # Notebook 7 stumbles over itself while it loads, also with an empty notebook.
        if NOTEBOOKS_OWN not in (error.stack or ""):
            self.errors.append(str(error))

    def widget(self, name: str, number: int = 0) -> Locator:
        """A labkit widget in an output, once it is drawn."""
        found = self.page.locator(f".jp-OutputArea .lk-{name}").nth(number)
        found.wait_for(state="visible", timeout=SECONDS)
        return found


class NotebookPage(WatchedNotebook):
    """One notebook in the browser.

    Args:
        page: The browser's page.
        jupyter: The server.
        front_end: ``lab`` or ``notebook``.
    """

    def __init__(self, page: Page, jupyter: Jupyter, front_end: str = "lab") -> None:
        super().__init__(page)
        self._address = ADDRESSES[front_end]
        self._jupyter = jupyter

    def open(self, name: str) -> None:
        """Open a notebook and wait for its kernel."""
        address = self._address.format(name=name, token=self._jupyter.token)
        self.page.goto(f"{self._jupyter.url}{address}", timeout=SECONDS)
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell?.currentWidget?.sessionContext", timeout=SECONDS
        )
        self.page.wait_for_function(f"() => {KERNEL}?.status === 'idle'", timeout=SECONDS)
        # Hide the side panels: more room, and no second place to search in.
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")


ADDRESSES = {
    "lab": "/lab/tree/{name}?reset&token={token}",
    "notebook": "/notebooks/{name}?token={token}",
}
"""Where each front end shows a notebook: JupyterLab, and Notebook 7."""
NOTEBOOKS_OWN = "/static/notebook/"
"""Where Notebook 7's own scripts come from."""
KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel"
BAD = (
    "model not found",
    "Error displaying widget",
    "Loading widget",
    "Traceback (most recent call last)",
)
CELLS = "window.jupyterapp.shell.currentWidget.content.widgets.map((widget) => widget.model)"
CODE = "(cell.type === 'code' && cell.sharedModel.source.trim())"
