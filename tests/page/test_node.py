"""The lab in Pyodide under Node: the page without its front end (make test-page-node)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labkit import lessons
from tests.page.node import run
from tools import notebooks

pytestmark = pytest.mark.node

LESSONS = [source.stem for source in notebooks.sources() if not source.stem.startswith("99")]
STEPS = {lesson.id: [step.id for step in lesson.steps] for lesson in lessons.LESSONS}


def code(name: str, *, solved: bool = True) -> list[str]:
    document = notebooks.notebook(notebooks.SOURCES / f"{name}.py", solved=solved)
    return [cell.source for cell in document.cells if cell.cell_type == "code"]


def passed(answer: Any) -> set[str]:
    failures = [failure for found in answer["notebooks"].values() for failure in found["failed"]]
    assert not failures, "\n\n".join(failures)
    return {step for step, state in answer["states"].items() if state == "passed"}.intersection(
        lessons.STEPS
    )


def test_all_steps_pass_by_the_notebooks_solutions(tmp_path: Path) -> None:
    answer = run("notebooks.py", {name: code(name) for name in LESSONS}, tmp_path / "kept")
    assert passed(answer) == set(lessons.STEPS)


def test_as_the_learner_gets_them_nothing_crashes_and_nothing_passes(tmp_path: Path) -> None:
    answer = run(
        "notebooks.py", {name: code(name, solved=False) for name in LESSONS}, tmp_path / "kept"
    )
    assert passed(answer) == set()
    assert set(answer["states"]) >= set(lessons.STEPS)


def test_a_lesson_goes_on_in_another_page(tmp_path: Path) -> None:
    name, kept = "04-roles", tmp_path / "kept"
    cells = code(name)
    middle = next(index for index, source in enumerate(cells) if source == 'check("W16")') + 1
    before = run("notebooks.py", {name: cells[:middle]}, kept)
    begun = ["W14", "W15", "W16"]
    assert passed(before) == set(begun)
    again = [
        source for source in cells[:middle] if source.startswith(("from ", "import ", "me = "))
    ]
    look = "[each['metadata']['name'] for each in lab.admin.get('/api/v1/namespaces').items]"
    token = "lab.as_pod('kikai/test').whoami()"
    after = run("notebooks.py", {name: [*again, look, token, *cells[middle:]]}, kept)
    assert after["said"] == ""
    shown = "".join(after["notebooks"][name]["shown"])
    assert "'darbo'" in shown
    assert "system:serviceaccount:kikai:default" in shown
    assert passed(after) == set(STEPS[name])


def test_recordings_of_a_real_server_give_the_same_result_as_elsewhere(tmp_path: Path) -> None:
    found = run("parity.py", ["walkthrough", "tokens", "rbac"], tmp_path / "kept")
    for suite, counts in {"walkthrough": 65, "tokens": 50, "rbac": 82}.items():
        assert found[suite]["unlisted"] == []
        assert f" {counts} steps: {counts} agree" in found[suite]["summary"]
