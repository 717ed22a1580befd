"""Build the learner's notebooks, the solutions and the glossary from the notebooks' sources.

    python -m tools.notebooks           write everything
    python -m tools.notebooks --check   fail when something written is not up to date

A source is a jupytext ``py:percent`` file with nbgrader's solution marks. It gives:

- ``notebooks/NAME.ipynb``, the learner's copy: no outputs, a placeholder for each solution,
  and cell ids that depend on the source alone;
- ``labkit/lessons/solutions.json``: each step's solved cells, for ``solution("W17")`` and
  ``labkit demo``;
- ``docs/glossary.md``, from the glossary's notebook;
- ``notebooks/instructor/NAME.ipynb`` with slides, and the tables of ``docs/instructor.md`` (``tools/instructor.py``);
- ``notebooks/pictures/request-….svg``, from ``request.svg``: the way of a request, with the stations
  highlighted that a notebook is about. The other pictures there are written by hand;
- ``notebooks/LANGUAGE/NAME.ipynb``, the learner's copies with the texts of ``locale/LANGUAGE/notebooks.po``.

The exercises' sources are their tasks (``labkit/grading/tasks``); each gives
``notebooks/exercises/NAME.ipynb``, and ``notebooks/LANGUAGE/exercises/NAME.ipynb`` with labkit's own translations.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from labkit.core import language as speaking
from labkit.grading.exercises.notebooks import learner_notebook
from labkit.grading.tasks import EXERCISES
from labkit.lessons import LESSONS, STEPS
from tools import catalogues, instructor
from tools.catalogues import PLACEHOLDER

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "notebooks" / "source"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STEP = re.compile(r"## ([A-Z]\d+) · \S")
PREDICTION = re.compile(r"# (predict\(.*\))\n")
LIKE_A_STEP = re.compile(r"#+ *[A-Za-z]\d+\b")
"""A heading that names a step, well or badly."""
PICTURES = ROOT / "notebooks" / "pictures"
STRIPS = (("tls", "authentication"), ("authentication", "admission"), ("authorization",))
"""The stations that a notebook's picture highlights, as the ids in ``request.svg``."""

# nbformat has no types for these.
_notebook: Any = nbformat.v4.new_notebook
_markdown: Any = nbformat.v4.new_markdown_cell
_code: Any = nbformat.v4.new_code_cell
_text: Any = nbformat.writes
_from_dict: Any = nbformat.from_dict

Steps = dict[str, dict[str, Any]]


def sources() -> list[Path]:
    """Every source, in the order of the lessons."""
    return sorted(SOURCES.glob("*.py"))


def without_solution(code: str) -> str:
    """The code of a learner's cell: a placeholder stands for each solution.

    The frame of a prediction, a comment in the source, is code there: run as it stands, it shows the answers as buttons.
    """
    if frame := PREDICTION.match(code):
        return frame[1]
    kept: list[str] = []
    for line, inside in _marked(code):
        if line.strip() == BEGIN:
            kept.append(PLACEHOLDER)
        elif not inside:
            kept.append(line)
    return "\n".join(kept).rstrip()


def with_solution(code: str) -> str:
    """The solved code, without the marks and without the comment that sets the task."""
    kept: list[str] = []
    for line, _ in _marked(code):
        if line.strip() == BEGIN:
            while kept and kept[-1].startswith("#"):
                kept.pop()
        elif line.strip() != END:
            kept.append(line)
    return "\n".join(kept).strip()


def _marked(code: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it belongs to a solution (its marks included).

    Raises:
        ValueError: When the marks do not pair.
    """
    inside = False
    for line in code.splitlines():
        mark = line.strip()
        if mark == (BEGIN if inside else END):
            raise ValueError(f"{mark} stands alone")
        inside = inside or mark == BEGIN
        yield line, inside
        inside = inside and mark != END
    if inside:
        raise ValueError(f"{BEGIN} stands alone")


def notebook(source: Path, *, solved: bool = False) -> Any:
    """The notebook of a source.

    Args:
        source: The py:percent file.
        solved: Leave the solutions in, for the tests.
    """
    document = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    made = _notebook(metadata=_METADATA)
    section, number = "top", 0
    for cell in document.cells:
        heading = re.match(r"##? (.+)", cell.source) if cell.cell_type == "markdown" else None
        if heading:
            section, number = (_step(cell.source, source).lower() or _slug(heading[1])), 0
        number += 1
        made.cells.append(_built(cell, f"{section}-{number}", solved))
    return made


_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40]


def _built(cell: Any, name: str, solved: bool) -> Any:
    if cell.cell_type == "markdown":
        return _markdown(cell.source, id=name)
    made = _code(with_solution(cell.source) if solved else without_solution(cell.source), id=name)
    if BEGIN in cell.source:
        made.metadata["tags"] = ["exercise"]
    elif re.match(r'check\("[A-Z]\d+"\)$', cell.source):
        made.metadata["tags"] = ["check"]
    return made


def worked_steps() -> Steps:
    """For every step its solved cells in order, and what the learner is asked to write.

    The set-up cells of a notebook, those before its first step, go with that step.
    """
    steps: Steps = {}
    for source in sources():
        document = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
        step = ""
        waiting: list[str] = []
        for cell in document.cells:
            if cell.cell_type == "markdown":
                if heading := _step(cell.source, source):
                    step = heading
                    if step in steps:
                        raise _misread(
                            source, cell.source.splitlines()[0], f"{step} has a heading already"
                        )
                    steps[step] = {"notebook": source.stem, "cells": waiting, "solution": ""}
                    waiting = []
                elif cell.source.startswith("## "):
                    step = ""
            elif {"widget", "aside"}.intersection(cell.metadata.get("tags", [])):
                continue  # it does nothing for a step
            elif cell.cell_type == "code" and step:
                steps[step]["cells"].append(with_solution(cell.source))
                if BEGIN in cell.source:
                    parts = [steps[step]["solution"], with_solution(cell.source)]
                    steps[step]["solution"] = "\n\n".join(filter(None, parts))
            elif cell.cell_type == "code" and not cell.source.startswith("drill("):
                waiting.append(with_solution(cell.source))
    if lacking := [step for step in STEPS if step not in steps]:
        raise ValueError(
            f"no source has a heading for {', '.join(lacking)}: it begins with ## {lacking[0]} · "
        )
    return steps


def _step(text: str, source: Path) -> str:
    """The step whose heading a Markdown cell begins with; empty where it begins with none.

    Raises:
        ValueError: When a heading names a step in another form, or one that there is not, or stands within a cell.
    """
    match = STEP.match(text)
    for line in text.splitlines()[bool(match) :]:
        if LIKE_A_STEP.match(line):
            raise _misread(
                source, line, "a step's heading begins a cell, in the form ## W17 · Title"
            )
    if match and match[1] not in STEPS:
        raise _misread(source, text.splitlines()[0], f"labkit/lessons has no step {match[1]}")
    return match[1] if match else ""


def _misread(source: Path, line: str, why: str) -> ValueError:
    lines = source.read_text(encoding="utf-8").splitlines()
    number = lines.index(f"# {line}") + 1
    return ValueError(f"{source.relative_to(ROOT)}:{number}: {line}: {why}")


def glossary(language: str = "en") -> str:
    """The glossary as a page in a language: its notebook's text."""
    document = notebook(SOURCES / "99-glossary.py")
    if language != "en":
        texts = catalogues.read(catalogues.path(language).read_text(encoding="utf-8"))
        document = catalogues.translated(document, texts)
    parts = [cell.source for cell in document.cells if cell.cell_type == "markdown"]
    page = "\n\n".join(parts[:-1])
    return f"<!-- Made by `make notebooks` from notebooks/source/99-glossary.py. -->\n\n{page}\n"


def strip(stations: Sequence[str]) -> str:
    """The picture of a request's way, with some stations highlighted: you are here.

    Raises:
        ValueError: When ``request.svg`` has no such station.
    """
    picture = (SOURCES / "request.svg").read_text(encoding="utf-8")
    for station in stations:
        plain, here = (
            f'<g class="{classes}" id="{station}">' for classes in ("station", "station here")
        )
        if plain not in picture:
            raise ValueError(f"request.svg has no station {station}")
        picture = picture.replace(plain, here)
    return picture.replace("{here}", " and ".join(stations))


def outputs() -> dict[Path, str]:
    """Every file that is built, with its content."""
    steps = (
        json.dumps(worked_steps(), indent=1, ensure_ascii=False) + "\n"
    )  # first, for its errors name a line
    built = {
        ROOT / "notebooks" / f"{source.stem}.ipynb": _text(notebook(source)) + "\n"
        for source in sources()
    }
    for language in catalogues.languages():
        texts = catalogues.read(catalogues.path(language).read_text(encoding="utf-8"))
        for source in sources():
            document = catalogues.translated(notebook(source), texts)
            built[ROOT / "notebooks" / language / f"{source.stem}.ipynb"] = _text(document) + "\n"
        built |= exercises(language, ROOT / "notebooks" / language / "exercises")
    built |= exercises("en", ROOT / "notebooks" / "exercises")
    built[ROOT / "labkit" / "lessons" / "solutions.json"] = steps
    built[ROOT / "docs" / "glossary.md"] = glossary()
    page = ROOT / "docs" / "instructor.md"
    built[page] = instructor.page(page.read_text(encoding="utf-8"))
    for lesson in LESSONS:
        solved = notebook(SOURCES / f"{lesson.id}.py", solved=True)
        built[ROOT / "notebooks" / "instructor" / lesson.notebook] = (
            _text(instructor.slides(solved, lesson)) + "\n"
        )
    for stations in STRIPS:
        built[PICTURES / f"request-{'-'.join(stations)}.svg"] = strip(stations)
    return built


def exercises(language: str, folder: Path) -> dict[Path, str]:
    """The exercises' notebooks in a language, each at its path in a folder."""
    speaking.use(language)
    try:
        documents = {exercise.id: learner_notebook(exercise) for exercise in EXERCISES}
    finally:
        speaking.use("")
    for cell in [
        cell for document in documents.values() for cell in document["cells"] if language != "en"
    ]:
        cell["source"] = catalogues.LAB.sub(f'lab = Lab(lang="{language}")', cell["source"])
    return {
        folder / f"{name}.ipynb": _text(_from_dict(document)) + "\n"
        for name, document in documents.items()
    }


def stale() -> list[Path]:
    """The built files that are missing or differ from what would be built."""
    return [
        path
        for path, text in outputs().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, or check. Returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Build the learner's notebooks from notebooks/source."
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when not up to date"
    )
    options = parser.parse_args(arguments)
    try:
        changed = stale()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path in changed:
        print(f"{'not up to date' if options.check else 'written'}: {path.relative_to(ROOT)}")
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(outputs()[path], encoding="utf-8")
    if options.check and changed:
        print("Run `make notebooks` and commit what it writes.", file=sys.stderr)
    return int(options.check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
