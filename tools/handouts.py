"""Two pages to print for a class, from what the lab says of its steps: a handout and a cheat sheet, one A4 page each.

    python -m tools.handouts             write build/handouts
    python -m tools.handouts --out DIR   the same into another folder

The handout has each step's question, with room for what a learner expects. The cheat sheet has the way of a request,
the words, the commands, and what is believed wrongly.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from labkit.core.html import tokens
from labkit.lessons import LESSONS, STEPS
from labkit.lessons.mistakes import mistakes
from labkit.lessons.talk import talks
from tools.notebooks import ROOT, SOURCES, glossary

OUT = ROOT / "build" / "handouts"

WORDS = (
    *("service account", "role", "role binding", "cluster role", "cluster role binding"),
    *("subject", "verb", "subresource", "non-resource URL"),
)
"""Rows of the glossary."""

COMMANDS = ("W4", "W10", "W12", "W15", "W16", "W17", "W18", "W20", "W22", "W23")
"""Steps whose first command is shown."""

IDEAS = (
    *(
        "one-refusal-for-all",
        "ca-as-identity",
        "user-name-of-account",
        "pod-without-account",
        "secret-by-itself",
    ),
    *("allowed-unless-forbidden", "role-without-binding", "wrong-group", "names-and-list"),
    *(
        "reading-means-writing",
        "right-follows-subject",
        "subject-replaced",
        "cluster-role-is-cluster-wide",
    ),
    *("binding-kind", "view-reads-all"),
)
"""Kinds of mistakes whose idea is shown, with what is true."""


def pages() -> dict[str, str]:
    """The pages by their file names."""
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = code
    values: dict[str, Any] = {
        "tokens": Markup(tokens()),
        "lessons": LESSONS,
        "talks": talks(),
        "picture": Markup(picture()),
        "words": list(words()),
        "commands": [(STEPS[step], STEPS[step].kubectl.splitlines()[0]) for step in COMMANDS],
        "ideas": [mistakes()[name] for name in IDEAS],
    }
    names = ("handout.html", "cheat-sheet.html")
    return {name: environment.get_template(name).render(values) for name in names}


def code(text: str) -> Markup:
    """A text in which what stands between backticks is code."""
    parts = (
        f"<code>{escape(part)}</code>" if place % 2 else escape(part)
        for place, part in enumerate(text.split("`"))
    )
    return Markup("".join(parts))


def words() -> Iterator[tuple[str, str]]:
    """Words of the glossary, with what they are."""
    rows = dict(
        re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \| [WT]\d+ \|$", glossary(), re.MULTILINE)
    )
    for word in WORDS:
        yield word, rows[word]


def picture() -> str:
    """The way of a request, without a station that one is at."""
    text = (
        (SOURCES / "request.svg")
        .read_text(encoding="utf-8")
        .replace("Highlighted, “you are here”: {here}.", "")
    )
    return re.sub(r'\s*<text class="marker".*</text>', "", text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Write the handout and the cheat sheet.")
    parser.add_argument("--out", type=Path, default=OUT, help="where they go")
    out: Path = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (out / name).write_text(text, encoding="utf-8")
        print(f"written: {out / name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
