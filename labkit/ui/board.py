"""The checkpoint board: all steps with their state, hints and time."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from labkit import lessons
from labkit.core.errors import UsageError
from labkit.core.language import listed, shown, text
from labkit.lab import words
from labkit.lessons.progress import Entry
from labkit.lessons.shown import Board as Counted
from labkit.lessons.shown import state_text

from .base import LabWidget, html_table, text_table

if TYPE_CHECKING:
    from labkit.lab.lab import Lab

# `labkit check` in a terminal writes the same file. Polling its time needs no other package,
# and works on every file system.
POLL_SECONDS = 1.0
"""How often the progress file is checked for changes."""


class Board(LabWidget):
    """All steps of the walkthrough; the board follows the progress file while it is displayed.

    Args:
        lab: The lab.
        lesson: Only this lesson, such as ``04-roles``; empty for all.

    Raises:
        UsageError: The lesson does not exist.
    """

    # On the class: ipywidgets also closes a board whose __init__ has failed.
    _watcher: asyncio.Task[None] | None = None

    def __init__(self, lab: Lab, lesson: str = "") -> None:
        super().__init__()
        self._lab = lab
        self._lessons = [entry for entry in lessons.LESSONS if lesson in ("", entry.id)]
        if not self._lessons:
            known = ", ".join(entry.id for entry in lessons.LESSONS)
            raise UsageError(
                text("There is no lesson “{lesson}”.", lesson),
                todo=text("The lessons are: {known}.", known),
            )
        self._messages: dict[str, str] = {}
        self._modified_ns = 0
        self._show()
        self._watcher = self._start_watching()

    def on_check(self, step: str) -> None:
        """Check one step, such as ``W17``."""
        outcome = lessons.check(step, words.context(self._lab))
        self._messages[step] = " ".join(
            shown(part) for part in (outcome.seen, outcome.hint) if part
        )
        self._show()

    def on_hint(self, step: str) -> None:
        """Show the next hint of a step."""
        given = lessons.hint(step, self._lab.progress)
        self._messages[step] = (
            f"{shown(given.title).removeprefix(step).strip().capitalize()}: {shown(given.text)}"
        )
        self._show()

    def as_text(self) -> str:
        """Return a line for each step."""
        return text_table(["step", "state", "title"], self._rows())

    def as_html(self) -> str:
        """Return the steps as an HTML table."""
        return html_table(["step", "state", "title"], self._rows(), caption=self.data["title"])

    def close(self) -> None:
        """Stop following the progress file, and remove the widget."""
        if self._watcher is not None:
            self._watcher.cancel()
        super().close()

    def _start_watching(self) -> asyncio.Task[None] | None:
        try:
            loop = asyncio.get_running_loop()
        # No loop runs in a script: the board then shows the progress of this moment.
        except RuntimeError:
            return None
        return loop.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if self._changed():
                self._show()

    def _changed(self) -> bool:
        # A learner without progress has no file; 0 is the time of a file that is not there.
        modified_ns = 0
        with suppress(FileNotFoundError):
            modified_ns = self._lab.progress.path.stat().st_mtime_ns
        changed = modified_ns != self._modified_ns
        self._modified_ns = modified_ns
        return changed

    def _rows(self) -> list[list[str]]:
        return [
            [step["id"], step["word"], step["title"]]
            for lesson in self.data["lessons"]
            for step in lesson["steps"]
        ]

    def _show(self) -> None:
        entries = self._lab.progress.all()
        groups: list[dict[str, Any]] = [
            {
                "title": lesson.title,
                "steps": [self._step(step, entries.get(step.id, {})) for step in lesson.steps],
            }
            for lesson in self._lessons
        ]
        states = [step["state"] for group in groups for step in group["steps"]]
        title = listed(Counted(self._lessons, entries).counts(), ", ")
        self.data = {
            "lessons": groups,
            "passed": states.count("passed"),
            "total": len(states),
            "title": title,
        }

    def _step(self, step: Any, entry: Entry) -> dict[str, Any]:
        state = entry.get("state", "not attempted")
        passed_at = entry.get("passed_at")
        when = time.strftime("%H:%M", time.localtime(passed_at)) if passed_at else ""
        return {
            "id": step.id,
            "title": step.title,
            "state": state,
            "word": state_text(entry),
            "time": text("passed at {when}", when)
            if when
            else text("about {minutes} min", step.minutes),
            "says": self._messages.get(step.id, ""),
        }
