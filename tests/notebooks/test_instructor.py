"""The instructor's notebooks: their slides, a run from top to bottom, and the conversion by nbconvert."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labkit import lessons
from labkit.core.redact import TOKEN
from labkit.lab.lab import Lab
from labkit.lessons.talk import talks
from tests.notebooks.support import states
from tests.support.some import some
from tests.support.until import SECONDS
from tools import instructor, notebooks

FOLDER = notebooks.ROOT / "notebooks" / "instructor"
LESSONS = {lesson.id: lesson for lesson in lessons.LESSONS}


def read(name: str) -> Any:
    reader: Any = nbformat.read
    return reader(FOLDER / f"{name}.ipynb", as_version=4)


def test_there_is_one_for_each_part() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == list(LESSONS)


@pytest.mark.parametrize("name", LESSONS)
def test_a_step_is_a_question_then_its_cells_then_the_answer(name: str) -> None:
    document = read(name)
    validate: Any = nbformat.validate
    validate(document)
    ids = [cell.id for cell in document.cells]
    assert len(ids) == len(set(ids))
    kinds = {cell.id: cell.metadata["slideshow"]["slide_type"] for cell in document.cells}
    assert set(kinds.values()) == {"slide", "subslide", "fragment", "notes", "skip"}
    for step in some(LESSONS[name].steps):
        own = [cell for cell in document.cells if cell.id.startswith(f"{step.id.lower()}-")]
        assert own[0].source == f"## {step.id} · {step.title}\n\n### {talks()[step.id].ask}"
        assert [kinds[cell.id] for cell in own[:2]] == ["slide", "notes"]
        assert own[1].source == talks()[step.id].notes()
        answer = next(place for place, cell in enumerate(own) if cell.id.endswith("-answer"))
        assert own[answer - 1].source == f'check("{step.id}")'
        predictions = [cell for cell in own if cell.cell_type == "code" and "predict(" in cell.source]
        assert all(kinds[cell.id] == "skip" for cell in predictions), "the class predicts"


@pytest.mark.parametrize("name", LESSONS)
def test_what_is_a_learners_alone_is_left_out(name: str) -> None:
    code = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "code")
    assert not re.search(r"StartPanel|\bBoard|PodTerminal|recall\(\"|lab\.prepare|…", code)
    assert f'lab.rewind("{LESSONS[name].steps[0].id}")' in code


@pytest.mark.parametrize("name", LESSONS)
def test_pictures_are_there_and_the_last_question_has_its_answer_in_the_notes(name: str) -> None:
    document = read(name)
    texts = [cell.source for cell in document.cells if cell.cell_type == "markdown"]
    for target in re.findall(r"\]\(([^)#]+)\)", "\n".join(texts)):
        assert (FOLDER / target).exists(), target
    assert texts[-2].startswith("## Explain it in your words")
    assert texts[-2].endswith(("**", "?"))
    assert texts[-1].startswith("**A model answer:** ")
    assert not re.search(r"[<>]|details", texts[-1])


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, dict[str, str]]]:
    """The slides of all parts, run one after the other on one cluster; what nbconvert said; the states of the steps."""
    folder = tmp_path_factory.mktemp("slides")
    home = tmp_path_factory.mktemp("lk")
    environment = {**os.environ, "LABKIT_HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    # Files instead of ports, as in tests.notebooks.support; over ports a kernel warns that others may listen.
    options = ["--KernelManager.transport=ipc", f"--KernelManager.ip={home}/k", f"--output-dir={folder}"]
    command = [sys.executable, "-m", "nbconvert", "--to", "slides", "--execute", "--SlidesExporter.reveal_scroll=True"]
    files = [str(path) for path in sorted(FOLDER.glob("*.ipynb"))]
    try:
        done = subprocess.run(
            [*command, *options, *files],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        yield folder, done.stdout + done.stderr, states(home)
    finally:
        Lab(home=home, start=False, say=lambda _line: None).stop()


@pytest.mark.slow
def test_they_run_whole_and_convert_without_a_warning(converted: tuple[Path, str, dict[str, str]]) -> None:
    _, said, _ = converted
    assert said.count("Writing ") == len(LESSONS)
    assert not re.search("warn|error|traceback", said, re.IGNORECASE), said


@pytest.mark.slow
def test_every_checkpoint_passes_in_them(converted: tuple[Path, str, dict[str, str]]) -> None:
    assert converted[2] == dict.fromkeys(lessons.STEPS, "passed")


@pytest.mark.slow
@pytest.mark.parametrize("name", LESSONS)
def test_the_slides_have_questions_outputs_and_notes_and_no_secret(
    name: str, converted: tuple[Path, str, dict[str, str]]
) -> None:
    page = (converted[0] / f"{name}.slides.html").read_text(encoding="utf-8")
    steps = LESSONS[name].steps
    assert page.count('<aside class="notes">') == len(steps) + 2
    assert page.count("The answer:") == len(steps)
    for step in steps:
        assert f"{step.id} passed" in page
    assert "predict(&quot;" not in page
    assert not TOKEN.search(page)


def test_the_page_keeps_its_text_and_gets_its_tables() -> None:
    text = "# Words\n\n| before | ask | the answer |\n|---|---|---|\n| old | row | here |\n\nMore words.\n"
    made = instructor.page(text)
    assert made.startswith("# Words\n\n| before | ask | the answer |\n|---|---|---|\n| W1 | ")
    assert "| old |" not in made
    assert made.endswith(f"| T6 | {talks()['T6'].ask} | {talks()['T6'].answer} |\n\nMore words.\n")
    assert instructor.page(made) == made
