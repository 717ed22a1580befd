"""What came of one submission: how it ended, and its score."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from labkit.grading.score import Item, Score, TaskScore

FAILED = "not graded"
"""How a submission ended that the grader failed at."""


@dataclass(frozen=True, slots=True)
class Result:
    """One submission, graded.

    Args:
        learner: Whose.
        exercise: The exercise's id.
        ended: ``done``, or how else the notebook ended: ``time limit``, ``memory limit``,
            ``signal SIGKILL``, ``exit code 1``, ``unreadable``, ``not graded``.
        cells: How many cells ran.
        total_cells: How many there were.
        score: Its score.
        isolation: ``root``, ``user`` or ``plain``: the walls it ran behind.
        note: More to say, such as why it could not be read.
        output: The end of what it printed, for people; nothing reads it.
        cluster: What kind of cluster it was graded on: ``embedded``, ``kind``, ``existing``.
    """

    learner: str
    exercise: str
    ended: str
    cells: int
    total_cells: int
    score: Score
    isolation: str
    note: str = ""
    output: str = ""
    cluster: str = "embedded"

    @property
    def complete(self) -> bool:
        """Whether the notebook ran to its end. One that did not is never a pass."""
        return self.ended == "done" and self.cells == self.total_cells

    @property
    def passed(self) -> bool:
        """Full marks, everything was judged, and the notebook ran to its end."""
        return not self.score.unjudged and self.full

    @property
    def full(self) -> bool:
        """All points of what could be judged, and the notebook ran to its end."""
        return self.complete and self.score.most > 0 and self.score.points == self.score.most

    @property
    def mark(self) -> str:
        """What the score leaves out, as a sentence; empty when all was judged."""
        if not self.score.unjudged:
            return ""
        tasks = ", ".join(self.score.unjudged)
        return f"Not all of it can be judged on the {self.cluster} cluster; left out is something of: {tasks}."

    @property
    def how(self) -> str:
        """How it ended, as a sentence."""
        if self.complete:
            return f"All {self.total_cells} cells ran."
        where = f"after {self.cells} of {self.total_cells} cells"
        if self.ended == "done":
            return f"The notebook ended {where}."
        if self.ended in ("unreadable", FAILED):
            return f"It could not be graded: {self.note}"
        return f"The notebook was ended {where}: {self.ended}."

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Result:
        """The reverse of ``as_dict``."""
        tasks = tuple(
            TaskScore(
                **{
                    **task,
                    "items": tuple(Item(**item) for item in task["items"]),
                    "excess": tuple(task["excess"]),
                }
            )
            for task in data["score"]["tasks"]
        )
        return cls(**{**data, "score": Score(**{**data["score"], "tasks": tasks})})
