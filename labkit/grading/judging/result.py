"""The result of one submission: how its notebook ended, and its score. Results are stored as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from labkit.core.language import listed, packed, text, unpacked

from .score import Item, Score, TaskScore

FAILED = "not graded"
"""``Result.ended`` of a submission that the grader failed at."""

ERROR_LINE = r"[A-Za-z_][\w.]*(?::.*)?$"

# Between a traceback's first line and its error are frames, none of which looks like an error's line.
ERROR = re.compile(
    rf"Traceback \(most recent call last\):?\n(?:(?!{ERROR_LINE}).*\n)*(?P<raised>{ERROR_LINE})"
    r"|^(?P<shown>[\w.]+(?:Error|Exception|Interrupt)\b(?::.*)?)$",
    re.MULTILINE,
)
"""An error in a notebook's output: the line after a traceback, or one with an error's name."""

FORGOTTEN_CODE = text(
    "The course's code is missing, so that its names are not those that it is judged by: write the code that your "
    'teacher gave you into exercise(…, code="…"), run the notebook again from its top, and hand it in again.'
)


@dataclass(frozen=True, slots=True)
class Result:
    """One submission, graded.

    Args:
        learner: The learner.
        exercise: The exercise's id.
        ended: ``done``, or how else the notebook ended, as seen from outside its process: ``time limit``,
            ``memory limit``, ``signal SIGKILL``, ``exit code 1``, ``unreadable``, ``not graded``.
        claimed_cells: How many cells ran, by the process's own account; no score depends on it.
        total_cells: How many there were.
        score: Its score.
        isolation: How it was isolated: ``root``, ``user`` or ``plain``; see ``isolation``.
        note: More about it, such as why it could not be read.
        output: The start and the end of its output, for people only.
        cluster: The kind of cluster it was graded on: ``embedded``, ``kind``, ``existing``.
        missing_module: A module that was not installed, by the output's account; or empty.
        declared: The name that its learner wrote into it, if that is another one; or empty.
        language: The language of its kernel, if that is not Python; or empty.
        graded_by: The version of labkit that graded it.
        exercise_fingerprint: Identifies the exercise's source.
        course_fingerprint: Identifies the course's secret; empty without one.
        without_code: Whether the notebook has no code although the course has a secret.
        rule: The version of the rule for superfluous permissions; see ``weights``.
        name: The learner's name, if a roster or a system has it; never stored.
        late: The words that it is late, and by how much; never stored.
    """

    learner: str
    exercise: str
    ended: str
    claimed_cells: int
    total_cells: int
    score: Score
    isolation: str
    note: str = ""
    output: str = ""
    cluster: str = "embedded"
    missing_module: str = ""
    declared: str = ""
    language: str = ""
    graded_by: str = ""
    exercise_fingerprint: str = ""
    course_fingerprint: str = ""
    without_code: bool = False
    # A result that was stored without a rule was judged by the first one.
    rule: int = 1
    name: str = ""
    late: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """The learner and the exercise."""
        return self.learner, self.exercise

    @property
    def complete(self) -> bool:
        """True if the notebook's process ended by itself and without an error. Otherwise it is never passed."""
        return self.ended == "done"

    @property
    def passed(self) -> bool:
        """True if it has full marks, all of it was judged, and the notebook ended by itself."""
        return not self.score.unjudged and self.full

    @property
    def full(self) -> bool:
        """True if it has all points that could be judged, and the notebook ended by itself."""
        return self.complete and self.score.most > 0 and self.score.points == self.score.most

    @property
    def omissions(self) -> str:
        """The tasks that the score leaves out, as a sentence; empty if all was judged."""
        if not self.score.unjudged:
            return ""
        said = text(
            "Not all of it can be judged on the {cluster} cluster; left out is something of: {tasks}."
        )
        return text(said, self.cluster, ", ".join(self.score.unjudged))

    @property
    def outcome(self) -> str:
        """How the notebook ended, and its own account of it."""
        if self.ended in ("unreadable", FAILED):
            return text("It could not be graded: {why}", text(self.note))
        how = text("The notebook was ended: {how}.", self.end)
        how = text("The notebook ended by itself.") if self.complete else how
        return text(
            "{how} By its own account, {ran} of {all} cells ran.",
            how,
            self.claimed_cells,
            self.total_cells,
        )

    @property
    def end(self) -> str:
        """``ended`` in words."""
        # One message in the catalogue serves all signals, and one all exit codes.
        kind, _, which = self.ended.rpartition(" ")
        return (
            text(f"{kind} {{which}}", which)
            if kind in ("signal", "exit code")
            else text(self.ended)
        )

    @property
    def first_error(self) -> str:
        """The first error in the output, which its learner can forge."""
        match = ERROR.search(self.output)
        # Cut off, since a learner chooses the length of an error's message.
        return (match["raised"] or match["shown"])[:300] if match else ""

    @property
    def forgot_code(self) -> bool:
        """True if it has no code, and lacks points, so that it was probably worked on with other names."""
        # With all points it was not: other names would have earned none.
        return self.without_code and not self.full

    @property
    def person(self) -> str:
        """The learner by name and id, such as ``Ann Lee (s01)``."""
        return (
            f"{self.name} ({self.learner})" if self.name not in ("", self.learner) else self.learner
        )

    @property
    def states(self) -> list[str]:
        """The facts that a teacher should read before the points, in a few words each."""
        states = {
            self.late: bool(self.late),
            self.end: not self.complete,
            text("no course code"): self.forgot_code,
            text("worked on as {name}", self.declared): bool(self.declared),
            text("corrected"): any(task.corrected for task in self.score.tasks),
        }
        return [state for state, holds in states.items() if holds]

    @property
    def notices(self) -> list[str]:
        """The problems that come before any task, as sentences for the learner and the teacher."""
        name = self.declared
        kernel = self.language
        error = self.first_error
        module = self.missing_module
        lines = (
            module and text("There is no module {name} where it was graded.", module),
            "" if self.ended in ("unreadable", FAILED) else self.note,
            error and text("The first error that it printed: “{error}”.", error),
            name
            and text(
                "It was worked on as {name}, and is graded as {id}: its names are another's.",
                name,
                self.learner,
            ),
            self.late and text("It was handed in {late}.", self.late),
            kernel
            and text("It was written for a {language} kernel, and was run as Python.", kernel),
            FORGOTTEN_CODE if self.forgot_code else "",
            *(
                listed((task.id, task.corrected), ": ")
                for task in self.score.tasks
                if task.corrected
            ),
        )
        return [line for line in lines if line]

    def as_dict(self) -> dict[str, Any]:
        """Convert it to values that JSON can hold."""
        return dict(packed(self))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Result:
        """Convert it back from ``as_dict``.

        Raises:
            KeyError: A field is missing.
            TypeError: A field is unknown.
        """
        data = unpacked(data)
        score = data["score"]
        for task in score["tasks"]:
            # JSON has no tuples.
            task["excess"] = tuple(task["excess"])
            for item in task["items"]:
                item["kinds"] = tuple(item.get("kinds", ()))
            task["items"] = tuple(Item(**item) for item in task["items"])
        score["tasks"] = tuple(TaskScore(**task) for task in score["tasks"])
        data["score"] = Score(**score)
        return cls(**data)


def by_exercise_and_learner(results: Iterable[Result]) -> list[Result]:
    """Sort results by exercise, then by learner."""
    return sorted(results, key=lambda result: (result.exercise, result.learner))
