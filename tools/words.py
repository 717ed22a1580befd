"""How much there is to read in each part, and how many words are new in it: a table in ``docs/teaching.md``.

    python -m tools.words                 write the table
    python -m tools.words --show          print it, with the new words of each part and the longest cells

A word is new where it first stands in a notebook's text or YAML, in the order of the parts. Which words count is a
list, ``tools/words.yaml``: what somebody who knows containers, and not Kubernetes, has to learn.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import yaml

from labkit.lessons import LESSONS
from tools import minutes, notebooks

PAGE = minutes.PAGE
BEGIN, END = "<!-- words -->", "<!-- end of words -->"
LIST = Path(__file__).with_suffix(".yaml")
PARTS = ("00-start", *(lesson.id for lesson in LESSONS))

BEFORE = {
    "00-start": (1125, 1125),
    "01-api-server": (1384, 1456),
    "02-inside-a-pod": (1171, 1236),
    "03-service-accounts": (2216, 2295),
    "04-roles": (2142, 2477),
    "05-cluster-roles": (1969, 2080),
    "06-test-the-policy": (1679, 1807),
}
"""The words of each part at commit 02451f11, without and with folded text."""

MOST_WORDS = 120
"""The words of the longest cell, folded text included."""

MOST_NEW = 1.2
"""The most new words a minute."""


def texts(part: str) -> list[str]:
    """The Markdown cells of a part."""
    return [source for kind, source in _cells(part) if kind == "markdown"]


def _cells(part: str) -> list[tuple[str, str]]:
    source = notebooks.SOURCES / f"{part}.py"
    document: Any = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    return [(cell.cell_type, cell.source) for cell in document.cells]


def words(text: str) -> int:
    """The words of a cell, with what is folded."""
    return minutes.words(re.sub(r"</?details>", "", text))


def counted(part: str) -> tuple[int, int]:
    """The words of a part without what is folded, and with it."""
    cells = texts(part)
    return sum(map(minutes.words, cells)), sum(map(words, cells))


def part_minutes(part: str) -> float:
    """The minutes of a part, asides included."""
    counts = minutes.counts(notebooks.SOURCES / f"{part}.py")
    return sum(map(minutes.minutes, counts.values()))


def long_cells(part: str) -> Iterator[tuple[int, str]]:
    """The cells of a part that are too long: their words, and their first line."""
    for text in texts(part):
        if words(text) > MOST_WORDS:
            yield words(text), text.strip().splitlines()[0]


def new_words() -> dict[str, list[str]]:
    """The words that are new in each part."""
    new: dict[str, list[str]] = {part: [] for part in PARTS}
    known: set[str] = set()
    patterns = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    for part in PARTS:
        # The frames for YAML in code cells are read as well.
        read = "\n".join(
            text for kind, text in _cells(part) if kind == "markdown" or "apiVersion" in text
        )
        # Addresses of links and the name of the roles' group are not words to learn.
        read = re.sub(r"\]\([^)]*\)|rbac\.authorization\.k8s\.io", "", read)
        read = re.sub(r"<details>.*?</details>", "", read, flags=re.DOTALL)
        for word, pattern in patterns.items():
            default = rf"\b{re.escape(str(word))}s?\b"
            if word not in known and re.search(pattern or default, read, re.IGNORECASE):
                new[part].append(str(word))
                known.add(word)
    return new


def table() -> str:
    """The figures of each part."""
    lines = [
        "| part | words | with folded text | before | longest cell | new words | a minute |",
        "|---|---|---|---|---|---|---|",
    ]
    new = new_words()
    for part in PARTS:
        without, whole = counted(part)
        before = "{} and {}".format(*BEFORE[part])
        row = [part, str(without), str(whole), before, str(max(map(words, texts(part))))]
        row += [str(len(new[part])), f"{len(new[part]) / part_minutes(part):.1f}"]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write the table, or print it."""
    if "--show" in arguments:
        print(table())
        for part, new in new_words().items():
            print(f"\n{part}: {', '.join(new)}")
            print(*(f"  {number} words: {line}" for number, line in long_cells(part)), sep="\n")
        return 0
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
