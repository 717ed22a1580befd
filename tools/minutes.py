"""How many minutes each part takes by reading and doing: the table in ``docs/teaching.md``.

    python -m tools.minutes    write the table

A part's words are counted in its notebook, and each kind of thing to do has a time of its own (``DOING``).
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import jupytext

from labkit.lessons import LESSONS
from labkit.practice.review import AFTER, BEFORE
from tools import notebooks

PAGE = notebooks.ROOT / "docs" / "teaching.md"
BEGIN, END = "<!-- minutes -->", "<!-- end of minutes -->"

WORDS_PER_MINUTE = 180
"""How fast one reads technical text."""

DOING = {"given": 10, "own": 60, "guess": 30, "question": 15, "writing": 180}
"""The seconds for a cell to run and to look at, one to write, a prediction, a question at the beginning, and the answer
in one's own words at the end."""

QUESTIONS = {"drill(before": BEFORE, "drill(part": AFTER}
"""How many questions a cell asks."""
WRITING = "## Explain it in your words"


def words(text: str) -> int:
    """The words of a Markdown cell, without what is folded, pictures and addresses."""
    text = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    text = re.sub(r"!\[[^]]*\]\([^)]*\)|\]\([^)]*\)|<https?:\S+>", "", text)
    return len(re.findall(r"\w[\w'’.:/-]*", text))


def counts(source: Path) -> dict[str, Counter[str]]:
    """What there is to read and to do, by section: each aside under its name, all else under ``""``."""
    found: dict[str, Counter[str]] = {"": Counter()}
    section = ""
    document: Any = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    for cell in document.cells:
        if cell.cell_type == "markdown":
            if cell.source.startswith("## "):
                aside = re.match(r"## Aside (\d+) ", cell.source)
                section = f"A{aside[1]}" if aside else ""
            found.setdefault(section, Counter())["words"] += words(cell.source)
            found[section]["writing"] += cell.source.startswith(WRITING)
        else:
            found[section][_kind(cell.source)] += QUESTIONS.get(cell.source.partition("=")[0], 1)
    return found


def _kind(code: str) -> str:
    if "predict(" in code:
        return "guess"
    if code.startswith("drill("):
        return "question"
    return "own" if notebooks.BEGIN in code else "given"


def minutes(count: Counter[str]) -> float:
    """The minutes for reading and doing."""
    return (
        count["words"] / WORDS_PER_MINUTE
        + sum(count[kind] * seconds for kind, seconds in DOING.items()) / 60
    )


def table() -> str:
    """The figures of each part."""
    lines = [
        "| part | words | cells to run | cells to write | predictions | minutes | asides | questions | at its top |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for lesson in LESSONS:
        sections = counts(notebooks.SOURCES / f"{lesson.id}.py")
        whole = sum(sections.values(), Counter[str]())
        asides = sum((count for name, count in sections.items() if name), Counter[str]())
        row = [lesson.id, *(str(whole[kind]) for kind in ("words", "given", "own", "guess"))]
        questions = Counter(question=whole["question"])
        row += [f"{minutes(count):.1f}" for count in (whole, asides, questions)]
        row.append(str(lesson.minutes))
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def main() -> int:
    """Write the table."""
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
