"""Write the steps and minutes of each part into the tables of ``README.md`` and ``docs/instructor.md``.

python -m tools.parts    write the tables (``make notebooks`` does)
"""

from __future__ import annotations

import re
from pathlib import Path

from labkit.lessons import LESSONS
from labkit.lessons.steps import Lesson

ROOT = Path(__file__).resolve().parent.parent

CELLS = {
    "README.md": (r"(notebooks/{notebook}\) \| )\S+ \| \d+", "{first}–{last} | {minutes}"),
    "docs/instructor.md": (r"(notebooks/{notebook}\), )\S+ to \w+", "{first} to {last}"),
}
"""By page: the steps of a part after the link to its notebook, and how they are written."""


def page(name: str) -> str:
    """A page with the steps that the parts have now."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for lesson in LESSONS:
        text = _with_steps(name, text, lesson)
    return text


def _with_steps(name: str, text: str, lesson: Lesson) -> str:
    pattern, form = CELLS[name]
    steps = form.format(first=lesson.steps[0].id, last=lesson.steps[-1].id, minutes=lesson.minutes)
    pattern = pattern.format(notebook=re.escape(lesson.notebook))
    return re.sub(pattern, lambda match: match[1] + steps, text)


def main() -> None:
    """Write the pages that have changed."""
    for name in CELLS:
        text = page(name)
        if text != (ROOT / name).read_text(encoding="utf-8"):
            (ROOT / name).write_text(text, encoding="utf-8")
            print("written:", name)


if __name__ == "__main__":
    main()
