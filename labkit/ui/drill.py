"""The drill in a notebook: questions that find misconceptions about RBAC."""

import time

from labkit import lessons
from labkit.core import page
from labkit.core.arguments import ArgumentKind, takes
from labkit.core.language import language, said, shown, text
from labkit.lab import words
from labkit.lessons.progress import Progress
from labkit.practice import keeping, pool, review

from .base import LabWidget
from .review import Review


class Drill(LabWidget):
    """Questions and answers; the page chooses the questions, and Python stores the state with the progress.

    Args:
        progress: The progress that stores it.
    """

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        # In a page the questions are a file of the site, which the browser fetches when it draws the widget.
        course = lessons.board(progress).title
        asked = None if page.IN_PAGE else pool.pool()
        self.data = {"kept": self._kept(), "pool": asked, "course": course, "language": language()}

    def _kept(self) -> object:
        """Return the stored state without facts, unless it is one that only the page can judge."""
        stored = self._progress.drill()
        kept, odd = keeping.read(stored)
        return stored if odd or stored is None else keeping.ideas_of(kept)

    def on_keep(self, kept: object) -> None:
        """Join the page's state with the stored one."""
        found, said = keeping.read(kept)
        # Joined, not replaced: a terminal can have asked questions in the meantime.
        self._progress.join_drill(found)
        self.notice = shown(said)

    def _speak(self) -> None:
        """Give the script its texts and, if it has the questions, theirs."""
        super()._speak()
        if language() != "en" and not page.IN_PAGE:
            self.words = {**self.words, **{english: said(english) for english in pool.texts()}}

    def as_text(self) -> str:
        """Return the state in a line."""
        kept, said = keeping.read(self._progress.drill())
        kept = keeping.ideas_of(kept)
        asked = len(kept["asked"])
        open_ideas = len(kept["ideas"]) - len(keeping.gone(kept))
        line = text(
            "The drill: {asked} questions asked in 30 days, {ideas} ideas come back.",
            asked,
            open_ideas,
        )
        return f"{shown(line)} {shown(said or text('In a terminal: labkit drill'))}"


def _part(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value not in _numbers():
        raise ValueError
    return value


def _numbers() -> range:
    return range(1, len(lessons.LESSONS) + 1)


PART = ArgumentKind(text("the number of a part, such as 4"), _part)


@takes("drill(), drill(before=4) or drill(part=4)", part=PART, before=PART)
def drill(*, part: int | None = None, before: int | None = None) -> Drill | Review:
    """Find out what you believe wrongly about RBAC, and come back to it until it is gone.

    Args:
        part: Ask five questions about a part, for its end.
        before: Ask three questions about the parts before one, for its beginning: those that are due come first.

    Raises:
        UsageError: There is no such part.
    """
    progress = words.progress()
    if part is None and before is None:
        return Drill(progress)
    kept, _ = keeping.read(progress.drill())
    now = time.time()
    # The drill's questions are a file of the site in a page, which Python there does not have.
    parts = {} if page.IN_PAGE else _parts()
    if part is not None:
        return Review(review.after(part, kept, now, parts), progress)
    return Review(review.before(before or 1, kept, now, parts), progress)


def _parts() -> dict[str, int]:
    """Return the part of each step and aside, by its id."""
    return {
        step.id: number
        for number, lesson in enumerate(lessons.LESSONS, 1)
        for step in (*lesson.steps, *lesson.asides)
    }
