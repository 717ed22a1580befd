"""A notebook in Notebook 7, and the parts of every notebook other than code. ``test_walk.py`` runs them all."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from playwright.sync_api import expect

from kube_embedded.tests.support.some import some
from tests.browser.jupyter import Jupyter, NotebookPage
from tools.notebooks import PICTURES, sources
from tools.notebooks import notebook as build


def test_a_solved_notebook_passes_in_notebook_7_too(
    classic: NotebookPage, jupyter: Jupyter
) -> None:
    solve(next(source for source in sources() if source.stem == "04-roles"), classic, jupyter)


def solve(source: Any, notebook: NotebookPage, jupyter: Jupyter) -> None:
    """Run a lesson with its solutions; every checkpoint must say that it is passed."""
    name = f"{source.stem}.ipynb"
    (jupyter.root / name).write_text(json.dumps(build(source, solved=True)))
    notebook.open(name)
    notebook.run(
        "from labkit import Lab; Lab().reset(); from labkit.lab.words import progress; progress().forget()"
    )
    notebook.run_all()
    verdicts = notebook.page.locator('.jp-OutputArea [role="status"] [role="group"]')
    labels = [
        verdicts.nth(index).get_attribute("aria-label") or "" for index in range(verdicts.count())
    ]
    checks = [cell for cell in build(source).cells if "check" in cell.metadata.get("tags", [])]
    passed = [label for label in labels if " passed: " in label]
    assert len(passed) == len(checks), labels
    assert not notebook.errors


@pytest.mark.parametrize(
    "source", [source for source in sources() if source.stem != "99-glossary"], ids=lambda s: s.stem
)
def test_pictures_and_answers_to_open_are_shown(
    source: Any, either: NotebookPage, jupyter: Jupyter
) -> None:
    name = f"{source.stem}.ipynb"
    (jupyter.root / name).write_text(json.dumps(build(source)))
    shutil.copytree(PICTURES, jupyter.root / PICTURES.name, dirs_exist_ok=True)
    either.page.set_viewport_size({"width": 900, "height": 720})
    either.open(name)
    pictures = either.page.locator(".jp-RenderedMarkdown img")
    for index in range(pictures.count()):
        picture = pictures.nth(index)
        picture.scroll_into_view_if_needed()
        width, inside = picture.evaluate(
            "e => [e.naturalWidth, e.clientWidth <= e.parentElement.clientWidth]"
        )
        assert width in (
            480,
            800,
        )  # the strip of stations is narrower, so that its text stays as large
        assert inside
        assert picture.get_attribute("alt")
    text = "\n".join(cell.source for cell in build(source).cells if cell.cell_type == "markdown")
    assert pictures.count() == text.count("](pictures/")
    answers = either.page.locator(".jp-RenderedMarkdown details")
    if answers.count():
        answer = answers.first.locator("blockquote, p, li, table, pre").first
        assert not answer.is_visible()
        answers.first.locator("summary").click()
        assert answer.is_visible()
    assert not either.errors


def test_an_instructor_s_answers_and_solutions_are_hidden_until_a_click(
    either: NotebookPage, jupyter: Jupyter
) -> None:
    shutil.copytree(PICTURES.parent / "instructor", jupyter.root / "instructor", dirs_exist_ok=True)
    either.open("instructor/04-roles.ipynb")
    page = either.page
    answers = page.locator(".jp-RenderedMarkdown details")
    expect(answers).to_have_count(6 * 2 + 1)
    answer = answers.nth(1).get_by_text("Each pod runs as the one of its own namespace.")
    expect(answer).to_be_hidden()
    answers.nth(1).locator("summary").click()
    expect(answer).to_be_visible()
    hidden = page.locator(".jp-InputPlaceholder")
    expect(hidden.first).to_have_text("# The solution")
    assert set(some(hidden.all_inner_texts())) == {"# The solution", "# The prediction"}
    expect(
        page.locator(".jp-CodeCell .jp-InputArea-editor:visible", has_text="kind: Namespace")
    ).to_have_count(0)
    hidden.first.locator(".jp-Placeholder-content").click()
    expect(
        page.locator(".jp-CodeCell .jp-InputArea-editor:visible", has_text="kind: Namespace")
    ).to_have_count(1)
    assert not either.errors
