"""The output of the asides' cells on a cluster, compared with the expected answers of the asides."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

import labkit
from kube_embedded.tests.support.some import some
from labkit import lessons
from labkit.client.answer import Answer
from labkit.lab import current
from labkit.lab.answers import Answers
from labkit.lab.lab import Lab
from labkit.lessons.asides import ENTRIES
from labkit.lessons.base import Outcome
from labkit.lessons.faults import FAULTS
from tools import notebooks

STATION = {
    "authorization": r"User \S+ cannot \w+ resource ",
    "admission": r"violates PodSecurity|exceeded quota",
}
"""How a refusal's message reads, by the station that refused."""


@pytest.fixture(scope="module")
def lab(shared_lab: Lab) -> Lab:
    """Provide a cluster in which the account of kikai/test can list services."""
    shared_lab.progress.forget()
    shared_lab.rewind("W18")
    current.use(shared_lab)
    return shared_lab


def cells_of(part: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the asides of a part's solved notebook: each with its code cells."""
    aside, cells = "", list[str]()
    for cell in notebooks.notebook(notebooks.SOURCES / f"{part}.py", solved=True).cells:
        if cell.cell_type == "code" and aside:
            cells.append(cell.source)
        elif cell.source.startswith("## "):
            if aside:
                yield aside, cells
            heading = re.match(r"## Aside (\d+) ", cell.source)
            aside, cells = f"A{heading[1]}" if heading else "", []


def run(cell: str, names: dict[str, Any]) -> list[Any]:
    """Run a cell; the values of its expressions."""
    values = []
    for statement in ast.parse(cell).body:
        if isinstance(statement, ast.Expr):
            values.append(eval(compile(ast.Expression(statement.value), "<cell>", "eval"), names))
        else:
            exec(compile(ast.Module([statement], []), "<cell>", "exec"), names)
    return values


def verb(message: str) -> str:
    """Return the verb that a refusal names."""
    found = re.search(r" cannot (\w+) resource ", message)
    return found[1] if found else message


def station(message: str) -> str:
    """Return the stage that refused a request."""
    return next((name for name, pattern in STATION.items() if re.search(pattern, message)), message)


def decision(value: object) -> str:
    """Return the word for a status, an answer, a caller's permission, or a status with its message."""
    if isinstance(value, bool):
        return "allowed" if value else "forbidden"
    if isinstance(value, str):  # as ``answers`` shows it, such as "403 forbidden"
        value = int(value.split()[0])
    status: Any = (
        value.status
        if isinstance(value, Answer)
        else value[0]
        if isinstance(value, tuple)
        else value
    )
    return {401: "unauthorized", 403: "forbidden"}.get(
        status, "allowed" if status in (200, 201) else str(status)
    )


def yes_or_no(value: object) -> str:
    """Return the word for a yes or a no."""
    if isinstance(value, str):
        return value
    return "yes" if value else "no"


def shown(values: Sequence[Any]) -> list[Any]:
    """Return the answers of a table or a list in a cell's last expression; else the value of each expression."""
    if isinstance(values[-1], Answers):
        return [answer for _who, _what, answer in values[-1].rows]
    if isinstance(values[-1], dict):
        return [values[-1][name] for name in ("account-says-no", "pod-says-yes", "pod-says-no")]
    return list(values[-1] if isinstance(values[-1], list) else values)


ANSWERS: dict[str, tuple[Callable[[Any], str], Sequence[int]]] = {
    "A1": (verb, (1,)),
    "A2": (yes_or_no, (1,)),
    "A3": (station, (1,)),
    "A4": (decision, (2,)),
    "A5": (yes_or_no, (1,)),
    "A6": (decision, (1,)),
    "A7": (decision, (2,)),
    "A8": (decision, (3,)),
    "A9": (decision, (2,)),
}
"""How the values of an aside's cells are read, and which of its cells show the answers."""


@pytest.mark.parametrize("part", sorted({entry["part"] for entry in ENTRIES.values()}))
def test_the_cells_show_what_the_asides_judge_by(part: str, lab: Lab) -> None:
    names = {**{name: getattr(labkit, name) for name in labkit.__all__}, "lab": lab}
    seen = []
    for aside, cells in some(cells_of(part)):
        values = [run(cell, names) for cell in cells]
        (outcome,) = (value for value in values[-1] if isinstance(value, Outcome))
        assert outcome.passed, repr(outcome)
        seen.append(aside)
        if aside in FAULTS:
            continue
        read, places = ANSWERS[aside]
        entries = [each for place in places for each in shown(values[place])]
        answers = [read(each) for each in entries[-len(ENTRIES[aside]["asks"]) :]]
        assert answers == ENTRIES[aside]["answers"], aside
    assert seen == [
        aside.id for lesson in lessons.LESSONS if lesson.id == part for aside in lesson.asides
    ]
