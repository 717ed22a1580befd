"""The table "Where each fact is done" of ``docs/teaching.md``: what it quotes stands in a cell of that step or aside."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tools import minutes, notebooks

PAGE = minutes.PAGE.read_text(encoding="utf-8")
TABLE = PAGE.split("<!-- facts -->")[1].split("<!-- end of facts -->")[0]
ROWS = re.findall(r"^\| (.+) \| ([\w-]+) \| `(.+)` \|$", TABLE, re.MULTILINE)


def cells() -> dict[str, list[str]]:
    """The learner's cells of each step and aside."""
    found = defaultdict(list)
    for source in notebooks.sources():
        section = ""
        for cell in notebooks.notebook(source).cells:
            if cell.source.startswith("## "):
                heading = re.match(r"## (?:Aside (\d+)|([A-Z]\d+)) · ", cell.source)
                section = source.stem
                if heading:
                    section = heading[2] or f"A{heading[1]}"
            found[section].append(cell.source)
    return found


CELLS = cells()


def test_every_row_is_read() -> None:
    assert len(ROWS) == TABLE.strip().count("\n") - 1 >= 25


@pytest.mark.parametrize(("fact", "where", "quoted"), ROWS)
def test_what_does_a_fact_stands_in_its_step(fact: str, where: str, quoted: str) -> None:
    assert any(quoted in " ".join(cell.split()) for cell in CELLS[where]), (
        f"{where} does not have {quoted}: where is it done that {fact}?"
    )
