"""Where each prediction stands, and where its answer first stands: a table in ``docs/teaching.md``.

    python -m tools.predictions    write the table

A prediction whose answer was read before is no prediction. What gives an answer is a list of patterns,
``predictions.yaml``. The cells are read in their order, parts and asides included, as a learner gets them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools import minutes, notebooks

PAGE = minutes.PAGE
BEGIN, END = "<!-- predictions -->", "<!-- end of predictions -->"
LIST = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Place:
    """A cell of a notebook.

    Args:
        number: Its place in the order of reading, over all notebooks.
        notebook: Such as ``04-roles``.
        cell: Its id, such as ``w16-2``.
        text: Its source.
    """

    number: int
    notebook: str
    cell: str
    text: str

    def __str__(self) -> str:
        return f"{self.notebook[:2]}, `{self.cell}`"


def places() -> list[Place]:
    """Every cell of the learner's notebooks, in the order of reading."""
    found: list[Place] = []
    for source in notebooks.sources():
        if source.stem == "99-glossary":
            continue
        for cell in notebooks.notebook(source).cells:
            found.append(Place(len(found), source.stem, cell.id, cell.source))
    return found


def predictions(cells: list[Place]) -> dict[str, Place]:
    """The cell of each step and aside that predicts, in the order of reading."""
    found = {}
    for place in cells:
        if match := re.match(r'predict\("([A-Z]\d+)"', place.text):
            found[match[1]] = place
    return found


def first_answers(cells: list[Place]) -> dict[str, Place | None]:
    """The first cell that gives the answer of each prediction; None if no cell does."""
    patterns = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    return {
        step: next((place for place in cells if re.search(pattern, place.text)), None)
        for step, pattern in patterns.items()
    }


def table() -> str:
    """Each prediction, with its cell and the first cell that gives its answer."""
    cells = places()
    answers = first_answers(cells)
    lines = ["| prediction | it stands in | its answer first stands in |", "|---|---|---|"]
    for step, place in predictions(cells).items():
        lines.append(f"| {step} | {place} | {answers.get(step) or 'no cell'} |")
    return "\n".join(lines)


def main() -> int:
    """Write the table."""
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
