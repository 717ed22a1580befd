"""The drill in a notebook: questions that find misconceptions about RBAC."""

from labkit import lessons
from labkit.core import page
from labkit.core.arguments import takes
from labkit.core.language import language, said, shown, text
from labkit.lab import words
from labkit.lessons.progress import Progress
from labkit.practice import keeping, pool

from .base import LabWidget


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
        self.data = {
            "kept": progress.drill(),
            "pool": asked,
            "course": course,
            "language": language(),
        }

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
        asked = len(kept["asked"])
        open_ideas = len(kept["ideas"]) - len(keeping.gone(kept))
        line = text(
            "The drill: {asked} questions asked in 30 days, {ideas} ideas come back.",
            asked,
            open_ideas,
        )
        return f"{shown(line)} {shown(said or text('In a terminal: labkit drill'))}"


@takes("drill()")
def drill() -> Drill:
    """Find out what you believe wrongly about RBAC, and come back to it until it is gone."""
    return Drill(words.progress())
