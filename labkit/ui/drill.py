"""The drill in a notebook: questions that find out what one believes wrongly about RBAC."""

from __future__ import annotations

from typing import Any

from labkit import lessons
from labkit.core import page
from labkit.core.arguments import takes
from labkit.lab import words
from labkit.lessons.progress import Progress
from labkit.practice import keeping
from labkit.ui.base import LabWidget


class Drill(LabWidget):
    """Questions, their answers, and what comes back; the page chooses, and Python keeps it with the progress.

    Args:
        progress: Where it is kept.
    """

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        # In a page the questions are a file of the site, which the browser fetches when it draws the widget.
        course = lessons.board(progress).title
        self.data = {"kept": progress.drill(), "pool": None if page.IN_PAGE else _pool(), "course": course}

    def on_keep(self, kept: object) -> None:
        """Join what the page keeps with what is there."""
        found, said = keeping.read(kept)
        self._progress.join_drill(found)
        self.notice = said

    def as_text(self) -> str:
        """Return what is kept, in a line."""
        kept, said = keeping.read(self._progress.drill())
        asked, open_ideas = len(kept["asked"]), len(kept["ideas"]) - len(keeping.gone(kept))
        line = f"The drill: {asked} questions asked in the last 30 days, {open_ideas} ideas come back."
        return f"{line} {said or 'In a terminal: labkit drill'}"


def _pool() -> Any:
    from labkit.practice.pool import pool

    return pool()


@takes("drill()")
def drill() -> Drill:
    """Find out what you believe wrongly about RBAC, and come back to it until it is gone."""
    return Drill(words.progress())
