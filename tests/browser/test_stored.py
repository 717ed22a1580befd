"""A notebook's file stores a widget's last state without credentials, and shows it without the kernel."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import expect

from tests.browser.jupyter import KERNEL, Jupyter, NotebookPage
from tests.browser.test_widgets import EVERYTHING, settled, show

BAD = ("model not found", "Error displaying widget", "Loading widget")
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def used(page: NotebookPage, jupyter: Jupyter, name: str) -> str:
    """Show every widget, use some of them, and save; the token that the terminal printed."""
    show(page, jupyter, name, *EVERYTHING)
    page.widget("matrix").locator('[data-key="0-1"]').click()
    expect(page.widget("matrix")).to_contain_text("The smallest change")
    terminal = page.widget("terminal")
    for command in ("echo it is $((6 * 7))", f"cat {MOUNT}/token", f"base64 {MOUNT}/token"):
        terminal.get_by_role("textbox").fill(command)
        terminal.get_by_role("button", name="Run").click()
        expect(settled(terminal).get_by_role("log")).to_contain_text(command)
    page.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    return page.run("print(lab.read_pod_token('kikai/test'))").strip()


def is_stored(page: NotebookPage) -> None:
    """The widgets are not connected, and show their last state."""
    assert page.page.locator(".lk").count() == 0
    notebook = page.page.locator(".jp-Notebook")
    for text in (
        "kikai/default: create services in kikai",
        "it is 42",
        "subject: whom it speaks for",
        "W24",
    ):
        expect(notebook).to_contain_text(text)
    assert page.page.locator(".lk-stored:visible").count() == len(EVERYTHING)
    assert not [text for text in BAD if text in page.page.content()]


def test_what_a_widget_showed_last_outlives_the_kernel(
    either: NotebookPage, jupyter: Jupyter
) -> None:
    raw = used(either, jupyter, "stored")
    either.page.evaluate(f"() => {KERNEL}.restart()")
    either.idle()
    either.open("stored.ipynb")
    is_stored(either)
    file = (jupyter.root / "stored.ipynb").read_text()
    assert raw.count(".") == 2
    assert raw.split(".")[2] not in file
    assert base64.b64encode(raw.encode()).decode()[:40] not in file
    assert "application/vnd.jupyter.widget" not in file


def test_a_reloaded_page_has_the_widgets_again_while_the_kernel_lives(
    either: NotebookPage, jupyter: Jupyter
) -> None:
    used(either, jupyter, "alive")
    either.open("alive.ipynb")
    expect(either.page.locator(".lk-live .lk")).to_have_count(len(EVERYTHING))
    assert either.page.locator(".lk-stored:visible").count() == 0
    terminal = either.widget("terminal")
    expect(terminal.get_by_role("log")).to_contain_text("it is 42")
    terminal.get_by_role("textbox").fill("echo still here")
    terminal.get_by_role("button", name="Run").click()
    expect(terminal.get_by_role("log")).to_contain_text("still here")
    assert not either.errors


def test_a_token_inspector_works_after_reloads_and_says_when_its_kernel_is_gone(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    two = "TokenInspector(lab, lab.pod_token('kikai/test'), lab.token('kikai/default'))"
    show(notebook, jupyter, "inspectors", "TokenInspector(lab, lab.token('default/default'))", two)
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    for _ in range(2):
        notebook.open("inspectors.ipynb")
        for number in (0, 1):
            inspector = notebook.widget("token", number)
            for verdicts in (1, 0):
                inspector.locator('[data-key="tamper-0"]').click()
                expect(inspector.locator(".lk-verdict.lk-no")).to_have_count(verdicts)
    notebook.page.evaluate(f"() => {KERNEL}.restart()")
    notebook.idle()
    inspector = notebook.widget("token")
    inspector.locator('[data-key="tamper-0"]').click()
    expect(inspector.locator(".lk-notice")).to_contain_text("un the cell again.")
    notebook.run_all()
    inspector = notebook.widget("token")
    inspector.locator('[data-key="tamper-0"]').click()
    expect(inspector.locator(".lk-verdict.lk-no")).to_have_count(1)
    assert not notebook.errors


def test_a_cell_that_runs_again_replaces_its_widget(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    show(notebook, jupyter, "again", EVERYTHING[0])
    notebook.run_all()
    expect(notebook.page.locator(".lk-live .lk")).to_have_count(1)
    notebook.widget("matrix").locator('[data-key="0-1"]').click()
    expect(notebook.widget("matrix")).to_contain_text("The smallest change")
    notebook.run("from ipywidgets import Widget\nWidget.close_all()")
    expect(notebook.page.locator(".lk")).to_have_count(0)
    expect(notebook.page.locator(".lk-stored")).to_be_visible()


@pytest.fixture
def saved(notebook: NotebookPage, jupyter: Jupyter) -> Path:
    """The file of a notebook with every widget."""
    used(notebook, jupyter, "saved")
    return jupyter.root / "saved.ipynb"


def test_what_nobody_trusts_and_what_is_exported_has_the_tables(
    saved: Path, notebook: NotebookPage, jupyter: Jupyter
) -> None:
    document = json.loads(saved.read_text())
    document["cells"][0]["source"] += "\n# from somebody else"
    for cell in document["cells"]:
        cell["metadata"].pop("trusted", None)
    (jupyter.root / "strange.ipynb").write_text(json.dumps(document))
    notebook.open("strange.ipynb")
    is_stored(notebook)
    read: Any = nbformat.read
    exporter: Any = HTMLExporter
    page, _ = exporter().from_notebook_node(read(saved, as_version=4))
    for text in (
        "kikai/default: create services in kikai",
        "it is 42",
        "subject: whom it speaks for",
        "W24",
    ):
        assert text in page
    assert not [text for text in BAD if text in page]
