"""Every notebook of the walkthrough, opened and run from top to bottom in a real JupyterLab."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.jupyter import Jupyter, NotebookPage
from tools.notebooks import notebook as build
from tools.notebooks import sources

PARTS = [source for source in sources() if not source.stem.startswith(("00", "99"))]


@pytest.mark.parametrize("source", PARTS, ids=lambda source: source.stem)
def test_the_solved_notebook_passes_every_checkpoint_on_the_page(
    source: Any, notebook: NotebookPage, jupyter: Jupyter
) -> None:
    solve(source, notebook, jupyter)


def test_a_solved_notebook_passes_in_notebook_7_too(classic: NotebookPage, jupyter: Jupyter) -> None:
    solve(next(source for source in sources() if source.stem == "04-roles"), classic, jupyter)


def solve(source: Any, notebook: NotebookPage, jupyter: Jupyter) -> None:
    """Run a lesson with its solutions; every checkpoint must say that it is passed."""
    name = f"{source.stem}.ipynb"
    (jupyter.root / name).write_text(json.dumps(build(source, solved=True)))
    notebook.open(name)
    notebook.run("from labkit import Lab; Lab().reset(); from labkit.lab.words import progress; progress().forget()")
    notebook.run_all()
    verdicts = notebook.page.locator('.jp-OutputArea [role="status"] [role="group"]')
    labels = [verdicts.nth(index).get_attribute("aria-label") or "" for index in range(verdicts.count())]
    checks = [cell for cell in build(source).cells if "check" in cell.metadata.get("tags", [])]
    passed = [label for label in labels if " passed: " in label]
    assert len(passed) == len(checks), labels
    assert not notebook.errors


@pytest.mark.parametrize("name", ["00-start", "99-glossary"])
def test_the_learners_copy_runs_as_it_is(name: str, notebook: NotebookPage, jupyter: Jupyter) -> None:
    source = next(source for source in sources() if source.stem == name)
    (jupyter.root / f"{name}.ipynb").write_text(json.dumps(build(source)))
    notebook.open(f"{name}.ipynb")
    notebook.run_all()
    assert not notebook.errors
