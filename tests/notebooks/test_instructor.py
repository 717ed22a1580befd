"""The instructor's notebooks: their structure, their hidden answers, and their slides."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

from kube_embedded.tests.support.some import some
from labkit import lessons
from labkit.cli import run
from labkit.core.redact import TOKEN
from labkit.lessons.talk import talks
from labkit.presenter import slides
from tests.support.course import IDS
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
        assert own[1].source == instructor.folded(
            "Your notes, with the answer", talks()[step.id].notes()
        )
        answer = next(place for place, cell in enumerate(own) if cell.id.endswith("-answer"))
        assert own[answer - 1].source == f'check("{step.id}")'
        predictions = [
            cell for cell in own if cell.cell_type == "code" and "predict(" in cell.source
        ]
        assert all(kinds[cell.id] == "skip" for cell in predictions), "the class predicts"


@pytest.mark.parametrize("name", LESSONS)
def test_answers_are_hidden_until_a_click(name: str) -> None:
    learners = {
        cell.id: cell for cell in notebooks.notebook(notebooks.SOURCES / f"{name}.py").cells
    }
    for cell in some(read(name).cells):
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        if cell.cell_type == "code":
            to_do = cell.id in learners and "exercise" in learners[cell.id].metadata.get("tags", [])
            assert hidden == (to_do or "predict(" in cell.source.splitlines()[-1]), cell.id
            assert hidden == cell.source.startswith(("# The solution\n", "# The prediction\n")), (
                "it is seen"
            )
        else:
            folded = re.fullmatch(
                r"<details><summary>[^<]+</summary>\n\n.+\n\n</details>", cell.source, re.DOTALL
            )
            assert bool(folded) == ("nswer:**" in cell.source), cell.source


@pytest.mark.parametrize("name", LESSONS)
def test_what_is_a_learners_alone_is_left_out(name: str) -> None:
    code = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "code")
    assert not re.search(r"StartPanel|\bBoard|PodTerminal|drill\(|lab\.prepare|…", code)
    assert f'lab.rewind("{LESSONS[name].steps[0].id}")' in code


@pytest.mark.parametrize("name", LESSONS)
def test_pictures_are_there_and_the_last_question_has_its_answer_in_the_notes(name: str) -> None:
    document = read(name)
    texts = [cell.source for cell in document.cells if cell.cell_type == "markdown"]
    for target in re.findall(r"\]\(([^)#]+)\)", "\n".join(texts)):
        assert (FOLDER / target).exists(), target
    assert texts[-2].startswith("## Explain it in your words")
    assert texts[-2].removesuffix(" Write, then compare.").endswith(("**", "?"))
    model = (
        texts[-1]
        .removeprefix("<details><summary>A model answer</summary>\n\n")
        .removesuffix("\n\n</details>")
    )
    assert model.startswith("**A model answer:** ")
    assert not re.search(r"[<>]|details", model)


@pytest.mark.slow
@pytest.mark.parametrize("name", LESSONS)
def test_the_slides_have_outputs_and_notes_and_nothing_of_this_machine(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "own"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert run(["slides", name, "--out", str(tmp_path / "page.html"), "--reveal", "reveal.js"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"], (
        "a cluster of one's own is left alone"
    )
    page, steps = (tmp_path / "page.html").read_text(encoding="utf-8"), LESSONS[name].steps
    assert page.count('<aside class="notes">') == len(steps) + 2
    assert page.count("The answer:") == len(steps)
    for step in steps:
        assert f"{step.id} passed" in page
    assert "predict(&quot;" not in page
    assert "<details" not in page.replace('<details class="lk-command">', ""), (
        "but an answer's commands"
    )
    assert not TOKEN.search(page)
    for path in (tempfile.gettempdir(), str(Path.home()), str(notebooks.ROOT), sys.prefix):
        assert f"{path}/" not in page
    if name in ("01-api-server", "04-roles"):
        assert "--cacert $HOME/.local/share/labkit/pki/ca.crt" in page
    asked = re.findall(r"<(?:script|link|img)[^>]+?(?:src|href)=\"([^\"]{1,60})", page)
    files = {each for each in asked if not each.startswith("data:")}
    assert files == {
        "reveal.js/dist/reveal.css",
        "reveal.js/dist/reveal.js",
        "reveal.js/plugin/notes/notes.js",
    }
    assert not re.search(r"@import|url\(\"?https?:", page)


@pytest.mark.slow
def test_a_cell_that_fails_is_said_and_no_slides_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "c",
        "metadata": {},
        "source": "1 / 0",
        "outputs": [],
        "execution_count": None,
    }
    broken = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "instructor").mkdir()
    (tmp_path / "instructor" / "04-roles.ipynb").write_text(json.dumps(broken), encoding="utf-8")
    monkeypatch.setattr(slides, "notebooks", lambda: tmp_path)
    assert run(["slides", "4", "--out", str(tmp_path / "page.html")]) == 1
    error = capsys.readouterr().err
    assert "A cell of the notebook failed." in error
    assert "ZeroDivisionError" in error
    assert not (tmp_path / "page.html").exists()


def test_slides_of_no_part_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["slides", "9"]) == 2
    assert "'9' is none of 01-api-server, 02-inside-a-pod" in capsys.readouterr().err


def test_the_page_keeps_its_text_and_gets_its_tables() -> None:
    text = "# Words\n\n| before | ask | the answer |\n|---|---|---|\n| old | row | here |\n\nMore words.\n"
    made = instructor.page(text)
    assert made.startswith("# Words\n\n| before | ask | the answer |\n|---|---|---|\n| W1 | ")
    assert "| old |" not in made
    last = talks()[IDS[-1]]
    assert made.endswith(f"| {IDS[-1]} | {last.ask} | {last.answer} |\n\nMore words.\n")
    assert instructor.page(made) == made
