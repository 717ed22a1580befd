"""What instructors are given: a notebook of each part with slides, and the tables of docs/instructor.md.

The cells are those of the learner's notebooks, solved; what is said is in ``labkit/lessons/talk.yaml``. Answers are
folded, and what learners write or predict is hidden, until a click. Slides are JupyterLab's own metadata (View, Right
Sidebar, Property Inspector), which ``labkit slides`` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import nbformat

from labkit.lessons.steps import Lesson, Step
from labkit.lessons.talk import Talk, talks
from labkit.presenter.screen import DATA

DROPPED = ("StartPanel(", "Board(", "PodTerminal(", "RBACGraph(", "drill(")
"""What a learner uses, and a class does not see; the graph comes from the talk."""

PICTURE = re.compile(r"!\[([^\]]*)\]\((pictures/[^)]+)\)")

# nbformat has no types for these.
_notebook: Any = nbformat.v4.new_notebook
_markdown: Any = nbformat.v4.new_markdown_cell
_code: Any = nbformat.v4.new_code_cell


def slides(solved: Any, lesson: Lesson) -> Any:
    """The instructor's notebook of a part.

    Args:
        solved: The learner's notebook, with its solutions.
        lesson: The part.
    """
    made = _notebook(metadata=solved.metadata)
    first, last = lesson.steps[0].id, lesson.steps[-1].id
    made.cells = [
        _slide(
            _markdown(f"# {lesson.title}\n\n*{lesson.subtitle}*\n\n{first} to {last}", id="top"),
            "slide",
        ),
        _slide(_markdown(f"{TOP}`{first}`.", id="top-notes"), "notes"),
        _slide(_code("\n".join(_top(solved, lesson.steps[0].id)), id="set-up"), "skip"),
    ]
    for step in lesson.steps:
        own = [cell for cell in solved.cells if cell.id.startswith(f"{step.id.lower()}-")]
        made.cells += _step(step, talks()[step.id], own)
    made.cells += _explain(solved)
    return made


TOP = """\
Every cell is a learner's cell, solved. Before a question is answered, let everybody write down what they expect.
Answers and your notes open with a click. What learners write themselves is hidden: click on the three dots to show it.

The next cell resets the lab's cluster, whatever is in it, and brings it to the beginning of """


def _top(solved: Any, first: str) -> Iterator[str]:
    """The lines before the first step, without what is the learner's alone; a rewind stands for what they prepare."""
    for cell in solved.cells:
        if cell.id.startswith(f"{first.lower()}-"):
            return
        if cell.cell_type == "code" and not any(word in cell.source for word in DROPPED):
            for line in filter(None, cell.source.splitlines()):
                if not line.startswith("lab.prepare("):
                    yield line
                if line.startswith("lab = Lab("):
                    yield f'lab.rewind("{first}")'


def _step(step: Step, talk: Talk, own: Iterable[Any]) -> Iterator[Any]:
    """A step: its question as a slide, then each cell below it, then the answer."""
    name = step.id.lower()
    yield _slide(
        _markdown(f"## {step.id} · {step.title}\n\n### {talk.ask}", id=f"{name}-ask"), "slide"
    )
    yield _slide(
        _markdown(folded("Your notes, with the answer", talk.notes()), id=f"{name}-notes"), "notes"
    )
    for cell in own:
        if cell.cell_type == "code" and not any(word in cell.source for word in DROPPED):
            predicts = cell.source.splitlines()[-1].startswith("predict(")
            code, kind = _code(cell.source, id=cell.id), "skip" if predicts else "subslide"
            if predicts or "exercise" in cell.metadata.get("tags", []):
                # JupyterLab shows the first line of what is hidden.
                code.source = f"# The {'prediction' if predicts else 'solution'}\n{cell.source}"
                code.metadata["jupyter"] = {"source_hidden": True}
            yield _slide(code, kind)
            if cell.source.startswith("check("):
                answer = folded("The answer", f"**The answer:** {talk.answer}")
                yield _slide(_markdown(answer, id=f"{name}-answer"), "fragment")
        elif cell.cell_type == "markdown" and (picture := PICTURE.search(cell.source)):
            yield _slide(
                _markdown(f"![{picture[1]}](../{picture[2]})", id=f"{name}-picture"), "subslide"
            )
    if talk.xray:
        code = f"from labkit.ui import XRay\n\nXRay({talk.xray}, lab)"
        yield _slide(_code(code, id=f"{name}-xray"), "subslide")
    if talk.graph:
        who, verb, resource, *place = talk.graph.split()
        among = f', namespace="{place[0]}"' if place else ""
        code = f'from labkit.ui import RBACGraph\n\nRBACGraph(lab, who="{who}", request="{verb} {resource}"{among})'
        yield _slide(_code(code, id=f"{name}-graph"), "subslide")


def _explain(solved: Any) -> Iterator[Any]:
    """The question at the end of a part, with the model answer in the notes."""
    texts = [cell.source for cell in solved.cells if cell.cell_type == "markdown"]
    asked = next(text for text in texts if text.startswith("## Explain it in your words"))
    model = next(text for text in texts if "<summary>A model answer</summary>" in text)
    question = re.sub(r"\s*Write (?:two|in|\w+ or)[^.]*\.\s*$", "", asked)
    answer = re.sub(r"(?m)^> ?|</?details>|<summary>.*</summary>", "", model).strip()
    yield _slide(_markdown(question, id="explain"), "slide")
    yield _slide(
        _markdown(folded("A model answer", f"**A model answer:** {answer}"), id="explain-notes"),
        "notes",
    )


def folded(summary: str, text: str) -> str:
    """A text that is hidden until a click; ``labkit slides`` unfolds it."""
    return f"<details><summary>{summary}</summary>\n\n{text.strip()}\n\n</details>"


def _slide(cell: Any, kind: str) -> Any:
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def page(text: str) -> str:
    """The instructor's page, with its tables renewed.

    Args:
        text: docs/instructor.md as it is.
    """
    asked = [(step, talk.ask, talk.answer) for step, talk in talks().items()]
    stuck = [(step, did, f"“{says}”") for step, talk in talks().items() for did, says in talk.stuck]
    keys = [(names, what) for names, what, *_ in DATA["keys"]]
    for head, rows in (
        ("| before | ask | the answer |", asked),
        ("| step | what they did | what the check says |", stuck),
        ("| key | what it does |", keys),
    ):
        lines = [head, re.sub(r"[^|]+", "---", head), *(f"| {' | '.join(row)} |" for row in rows)]
        old = re.search(rf"^{re.escape(head)}\n(?:\|.*\n)*", text, re.MULTILINE)
        text = text.replace(old[0], "\n".join(lines) + "\n") if old else text
    return text
