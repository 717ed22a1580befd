"""All notebooks, as a learner goes through them on one cluster: wrong predictions first, then right ones.

The kernel is restarted in the middle of part 3. At each notebook's end it is restarted again and the page
reloaded, to show the stored outputs. The exercises follow. ``LABKIT_PICTURES`` names a folder for
pictures of each notebook: light, dark, at 900 px, and as stored. In Korean the same learner goes the same way,
with pictures at 900 and 400 px; this doubles the time, so it is among the long tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import FloatRect

from kube_embedded.tests.support.some import some
from labkit.grading.exercises.notebooks import code, learner_notebook
from labkit.grading.tasks import EXERCISES
from labkit.grading.tasks.task import ExerciseSpec
from tests.browser.jupyter import KERNEL, Jupyter, NotebookPage
from tests.grading.support import solved_notebook
from tests.support.korean import HANGUL
from tools import catalogues
from tools.notebooks import PICTURES, exercises, sources
from tools.notebooks import notebook as build

LEARNER = "walker"
PREDICT = re.compile(r'^predict\("W\d+", .+\)$', re.MULTILINE)
OTHER = {
    "allowed": "forbidden",
    "forbidden": "allowed",
    "unauthorized": "forbidden",
    "yes": "no",
    "no": "yes",
}
OTHER |= {"identical": "different", "different": "identical"}
FREE = {
    "W4": "apps",
    "W8": "system:serviceaccount:default:curl",
    "W9": "curl",
    "W13": "system:anonymous",
}
"""Wrong predictions, where no list of words is given."""


def wrong(step: str, cell: str) -> str:
    """The cell with possible predictions that are not the right ones."""
    if step in FREE:
        return PREDICT.sub(f'predict("{step}", "{FREE[step]}")', cell)
    return re.sub(r'"(\w+)"(?!:)', lambda found: f'"{OTHER.get(found[1], found[1])}"', cell)


def walk(source: Path, language: str = "") -> Any:
    """Return the solved notebook with a learner's earlier attempts: a check before any work, and a wrong prediction.

    The ids of the checks that must not pass end with ``-early`` and ``-wrong``.

    Args:
        source: The notebook's source.
        language: The code of another language than English.
    """
    document = build(source, solved=True)
    if language:
        texts = catalogues.read(catalogues.path(language).read_text(encoding="utf-8"))
        document = catalogues.translated(document, texts)
    cells: list[Any] = []
    said: dict[str, str] = {}
    for cell in document.cells:
        step = cell.id.partition("-")[0].upper()
        if cell.cell_type == "code" and PREDICT.search(cell.source):
            said[step] = cell.source
            cell = code(cell.id, wrong(step, cell.source))
        if cell["cell_type"] == "code" and cell["source"] == f'check("{step}")' and step in said:
            cells.append(code(f"{step}-wrong", f'check("{step}")'))
            cells.append(code(f"{step}-predict", said[step]))
        cells.append(cell)
        if cell["cell_type"] == "markdown" and cell["source"].startswith(f"## {step} · "):
            cells.append(code(f"{step}-early", f'check("{step}")'))
    return {**document, "cells": cells}


LAST_CELL = """(panel, start) => {
    panel.scrollTo(0, start);
    return Math.max(...[...panel.querySelectorAll(".jp-Cell")].map((cell) => cell.getBoundingClientRect().bottom));
}"""
"""Scroll a notebook, and find where on the page its last cell ends."""


class Walk(NotebookPage):
    """A notebook's page, with the assertions for every notebook."""

    def begin(self, name: str, document: Any) -> None:
        """Write a notebook next to its pictures, and open it."""
        self.name = name
        path = self._jupyter.root / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))
        shutil.copytree(PICTURES, self._jupyter.root / PICTURES.name, dirs_exist_ok=True)
        self.open(f"{name}.ipynb")

    def restart(self) -> None:
        """Restart the kernel, as the menu does without its question."""
        self.page.evaluate(f"() => {KERNEL}.restart()")
        self.idle()

    def run_rest(self, name: str, above: bool) -> None:
        """Run all cells above the one of this id, or that one and all below."""
        script = """async ([name, above]) => {
            const { content } = window.jupyterapp.shell.currentWidget;
            content.activeCellIndex = content.widgets.findIndex((cell) => cell.model.id === name);
            await window.jupyterapp.commands.execute(`notebook:run-all-${above ? "above" : "below"}`);
        }"""
        self.page.evaluate(script, [name, above])
        self.idle()

    def save_and_reload(self) -> None:
        """Save, restart the kernel, and reload, which leaves only the stored outputs."""
        shown = self.page.locator(".lk-live .lk").count()
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        self.restart()
        self.open(f"{self.name}.ipynb")
        assert self.page.locator(".lk").count() == 0, "the kernel that made them is gone"
        stored = self.page.locator(".lk-stored")
        assert stored.count() == shown
        assert all(stored.nth(number).is_visible() for number in range(shown))
        self.nothing_is_wrong()

    def pictures(self, kind: str, width: int = 1280, theme: str = "JupyterLab Light") -> None:
        """Take pictures of the whole notebook, in slices that one can read."""
        if not (folder := os.environ.get("LABKIT_PICTURES")):
            return
        script = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
        self.page.evaluate(script, theme)
        self.page.evaluate(
            "() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0; }"
        )
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.wait_for_timeout(500)
        outer = self.page.locator(".jp-WindowedPanel-outer").first
        height = int(outer.evaluate("(panel) => panel.scrollHeight"))
        tall = min(height, 15_000) + 140
        self.page.set_viewport_size({"width": width, "height": tall})
        self.page.wait_for_timeout(500)
        number = 0
        for start in range(0, height, 15_000):
            end = outer.evaluate(LAST_CELL, start)  # below it is room, which JupyterLab counts
            for top in range(0, min(tall, int(end) + 20), 1500):
                clip: FloatRect = {
                    "x": 0,
                    "y": top,
                    "width": width,
                    "height": min(1500, tall - top),
                }
                name = self.name.replace("/", "-")
                self.page.screenshot(path=f"{folder}/{name}-{kind}-{number}.png", clip=clip)
                number += 1
        self.page.set_viewport_size({"width": 1280, "height": 720})

    def end(self) -> None:
        """Look at the notebook as it is, and as stored."""
        self.nothing_is_wrong()
        self.pictures("light")
        self.pictures("dark", theme="JupyterLab Dark")
        self.pictures("narrow", width=900)
        self.save_and_reload()
        self.pictures("stored", width=900)


@pytest.fixture
def walker(browser: Any, jupyter: Jupyter) -> Iterator[Walk]:
    """A page on the light JupyterLab."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    yield Walk(page, jupyter)
    page.close()


BEGIN = """from labkit import Lab
from labkit.lab.words import progress
Lab().reset()
progress().forget()
"""


def test_a_learner_goes_through_all_parts_on_one_cluster(walker: Walk) -> None:
    begin(walker)
    for source in sources():
        document = walk(source)
        walker.begin(source.stem, document)
        expected = expected_verdicts(source, document)
        if source.stem == "03-service-accounts":
            walker.run_rest("W12-early", above=True)
            done = walker.verdicts()
            assert done == {name: expected[name] for name in done}
            walker.restart()
            walker.run_rest("W12-early", above=True)  # brings Python's names back
            assert all(walker.verdicts().values()), "a step that was passed stays passed"
            walker.run_rest("W12-early", above=False)
            verdicts = walker.verdicts() | done
        else:
            walker.run_all()
            verdicts = walker.verdicts()
        differs = {
            name: text
            for name, text in walker.texts().items()
            if verdicts.get(name) != expected.get(name)
        }
        assert verdicts == expected, f"{source.stem}: {differs}"
        walker.end()
    assert not walker.run(
        "from labkit import Lab; _ = Lab().reset()"
    )  # as the last part's end offers


@pytest.mark.soak
def test_a_learner_goes_through_all_parts_in_korean(walker: Walk) -> None:
    begin(walker)
    for source in sources():
        document = walk(source, "ko")
        walker.begin(f"ko/{source.stem}", document)
        walker.run_all()
        verdicts, expected = walker.verdicts(), expected_verdicts(source, document)
        differs = {
            name: text
            for name, text in walker.texts().items()
            if verdicts.get(name) != expected.get(name)
        }
        assert verdicts == expected, f"{source.stem}: {differs}"
        assert [text for text in walker.texts().values() if not HANGUL.search(text)] == []
        walker.nothing_is_wrong()
        for width in (900, 400):
            walker.pictures(str(width), width=width)


def expected_verdicts(source: Path, document: Any) -> dict[str, bool]:
    """Whether each check of a walk passes, by the cell's id; the start shows a check before any work."""
    wrongly = ("-early", "-wrong")
    return {
        cell["id"]: source.stem != "00-start" and not cell["id"].endswith(wrongly)
        for cell in checks(document)
    }


def begin(walker: Walk) -> None:
    """Start over, without cluster and progress."""
    walker.begin("begin", notebook_of(BEGIN))
    walker.run_all()


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_a_learner_solves_the_exercise_at_the_second_try(
    exercise: ExerciseSpec, walker: Walk
) -> None:
    solve_at_the_second_try(exercise, walker, exercise.id, learner_notebook(exercise))
    walker.pictures("light")
    walker.pictures("dark", theme="JupyterLab Dark")
    walker.pictures("narrow", width=900)


@pytest.mark.soak
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_a_learner_solves_the_exercise_in_korean(exercise: ExerciseSpec, walker: Walk) -> None:
    begin(walker)  # the same learner has solved it in English
    built = exercises("ko", Path())[Path(f"{exercise.id}.ipynb")]
    document = nbformat.reads(built, as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types
    solve_at_the_second_try(exercise, walker, f"ko/{exercise.id}", document)
    assert [text for text in some(walker.texts().values()) if not HANGUL.search(text)] == []
    for width in (900, 400):
        walker.pictures(str(width), width=width)


def solve_at_the_second_try(exercise: ExerciseSpec, walker: Walk, name: str, document: Any) -> None:
    """Run the notebook as it is handed out, then with all answers: some points at first, then all."""
    cells, answers = (
        own(document),
        {cell["id"]: cell["source"] for cell in solved_notebook(exercise, LEARNER)["cells"]},
    )
    walker.begin(name, {**document, "cells": cells})
    walker.run_all()
    points, most = walker.score()
    assert points < most
    walker.nothing_is_wrong()
    walker.write(
        [
            answers[cell["id"]] if cell["id"].startswith("answer-") else cell["source"]
            for cell in cells
        ]
    )
    walker.run_all()
    assert walker.score() == (most, most)
    walker.nothing_is_wrong()


def notebook_of(*sources: str) -> Any:
    """A notebook of code cells."""
    return {
        **learner_notebook(EXERCISES[0]),
        "cells": [code(f"c{n}", source) for n, source in enumerate(sources)],
    }


def checks(document: Any) -> list[Any]:
    """The cells that check a step."""
    return [cell for cell in document["cells"] if cell["source"].startswith("check(")]


def own(document: Any) -> list[Any]:
    """The cells, with the learner's name filled in."""
    return [
        {**cell, "source": cell["source"].replace('ME = ""', f'ME = "{LEARNER}"')}
        for cell in document["cells"]
    ]
