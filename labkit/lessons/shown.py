"""What a learner sees beside outcomes: hints, solutions, and the board of all steps."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.core.display import SYMBOLS, Card, Row, Shown
from labkit.lessons.base import TONES, WORDS
from labkit.lessons.steps import Lesson


@dataclass(frozen=True, repr=False)
class Help(Shown):
    """A hint, or a solution.

    Args:
        title: Its heading.
        text: The hint or the solution.
        then: What to do next.
        code: Whether the text is code.
    """

    title: str
    text: str
    then: str
    code: bool = False

    def card(self) -> Card:
        """The text under its title."""
        if self.code:
            return Card(self.title, "plain", [Row("note", self.then)], self.text)
        return Card(self.title, "plain", [Row("hint", self.text), Row("then", self.then)])


@dataclass(frozen=True, repr=False)
class Board(Shown):
    """Every step and its state.

    Args:
        lessons: The index.
        progress: The kept facts of each step.
    """

    lessons: Sequence[Lesson]
    progress: Mapping[str, Mapping[str, Any]]

    def state(self, step: str) -> str:
        """``passed``, ``failed`` or ``not attempted``."""
        return str(self.progress.get(step, {}).get("state", "not attempted"))

    @property
    def passed(self) -> list[str]:
        """The steps that are passed."""
        steps = [step.id for lesson in self.lessons for step in lesson.steps]
        return [step for step in steps if self.state(step) == "passed"]

    @property
    def title(self) -> str:
        """The number of passed steps in words."""
        total = sum(len(lesson.steps) for lesson in self.lessons)
        return f"{len(self.passed)} of {total} steps passed"

    def card(self) -> Card:
        """One line for each lesson, and one for each step."""
        rows: list[Row] = []
        for lesson in self.lessons:
            done = sum(self.state(step.id) == "passed" for step in lesson.steps)
            rows.append(Row(lesson.id[:2], f"{lesson.title}: {done} of {len(lesson.steps)}"))
            for step in lesson.steps:
                rows.append(Row(f"  {step.id}", f"{self._word(step.id)} · {step.title}"))
        return Card(self.title, "good" if self.passed else "plain", rows)

    def _word(self, step: str) -> str:
        state = self.state(step)
        return f"{SYMBOLS[TONES[state]]} {WORDS[state]}"

    def _repr_html_(self) -> str:
        """A table for each lesson, with headers that a screen reader announces."""
        escape = html.escape
        parts = [f'<div role="group" aria-label="{escape(self.title)}"><strong>{escape(self.title)}</strong>']
        head = "".join(f'<th scope="col" style="{_CELL}">{h}</th>' for h in ("step", "state", "what", "time"))
        for lesson in self.lessons:
            link = f'<a href="{lesson.notebook}">{escape(lesson.title)}</a>'
            parts.append(f'<table style="{_TABLE}"><caption style="{_CAPTION}">{link}</caption>')
            parts.append(f"<thead><tr>{head}</tr></thead><tbody>")
            for step in lesson.steps:
                cells = (self._word(step.id), step.title, f"{step.minutes} min")
                data = "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in cells)
                parts.append(f'<tr><th scope="row" style="{_CELL}">{step.id}</th>{data}</tr>')
            parts.append("</tbody></table>")
        return "".join([*parts, "</div>"])


_TABLE = "border-collapse:collapse;margin:.4em 0"
_CAPTION = "caption-side:top;text-align:left;font-weight:600;padding:.2em 0;color:inherit"
_CELL = "text-align:left;padding:.1em 1em .1em 0"
