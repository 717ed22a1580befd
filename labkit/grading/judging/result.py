"""The result of one submission: how its notebook ended, and its score. Results are stored as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from labkit.core.language import listed, packed, text, unpacked
from labkit.grading.judging.score import Item, Score, TaskScore

FAILED = "not graded"
"""``Result.ended`` of a submission that the grader failed at."""

ERROR_LINE = r"[A-Za-z_][\w.]*(?::.*)?$"

ERROR = re.compile(
    rf"Traceback \(most recent call last\):?\n(?:(?!{ERROR_LINE}).*\n)*(?P<raised>{ERROR_LINE})"
    r"|^(?P<shown>[\w.]+(?:Error|Exception|Interrupt)\b(?::.*)?)$",
    re.MULTILINE,
)
"""An error in what a notebook printed: the line after a traceback, or one with an error's name."""

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
        claimed_cells: How many cells ran, as the notebook's own process says; nothing depends on it.
        total_cells: How many there were.
        score: Its score.
        isolation: How it was isolated: ``root``, ``user`` or ``plain``; see ``isolation``.
        note: More about it, such as why it could not be read.
        output: The start and the end of what it printed, for people only.
        cluster: What kind of cluster it was graded on: ``embedded``, ``kind``, ``existing``.
        missing_module: A module that the notebook imported and that is not installed, as it says; or empty.
        declared: The name that its learner wrote into it, where that is another one; or empty.
        language: The language of its kernel, where that is not Python; or empty.
        graded_by: The version of labkit that graded it.
        exercise_fingerprint: What identifies the exercise's source.
        course_fingerprint: What identifies the course's secret; empty without one.
        without_code: Whether the notebook has no code although the course has a secret.
        rule: The version of the rule for what is too much; see ``weights``.
        name: The learner's name, where a roster or a system tells it; never stored.
        late: That it is late, and by how much; never stored.
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
    rule: int = 1
    name: str = ""
    late: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """The learner and the exercise."""
        return self.learner, self.exercise

    @property
    def complete(self) -> bool:
        """Whether the notebook's process ended by itself and without an error. Otherwise it is never passed."""
        return self.ended == "done"

    @property
    def passed(self) -> bool:
        """Whether it has full marks, all of it was judged, and the notebook ended by itself."""
        return not self.score.unjudged and self.full

    @property
    def full(self) -> bool:
        """Whether it has all points of what could be judged, and the notebook ended by itself."""
        return self.complete and self.score.most > 0 and self.score.points == self.score.most

    @property
    def omissions(self) -> str:
        """What the score leaves out, as a sentence; empty when all was judged."""
        if not self.score.unjudged:
            return ""
        said = text(
            "Not all of it can be judged on the {cluster} cluster; left out is something of: {tasks}."
        )
        return text(said, self.cluster, ", ".join(self.score.unjudged))

    @property
    def outcome(self) -> str:
        """How the notebook ended, and what it says of itself."""
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
        """What ``ended`` is in words."""
        kind, _, which = self.ended.rpartition(" ")
        return (
            text(f"{kind} {{which}}", which)
            if kind in ("signal", "exit code")
            else text(self.ended)
        )

    @property
    def first_error(self) -> str:
        """The first error in what it printed, which is in its learner's hands."""
        found = ERROR.search(self.output)
        return (found["raised"] or found["shown"])[:300] if found else ""

    @property
    def forgot_code(self) -> bool:
        """Whether it has no code, and lacks points, so that it was probably worked on with other names."""
        return self.without_code and not self.full

    @property
    def person(self) -> str:
        """The learner by name and id, such as ``Ann Lee (s01)``."""
        return (
            f"{self.name} ({self.learner})" if self.name not in ("", self.learner) else self.learner
        )

    @property
    def states(self) -> list[str]:
        """What a teacher should know before the points, in a few words each."""
        found = {
            self.late: bool(self.late),
            self.end: not self.complete,
            text("no course code"): self.forgot_code,
            text("worked on as {name}", self.declared): bool(self.declared),
            text("corrected"): any(task.corrected for task in self.score.tasks),
        }
        return [state for state, holds in found.items() if holds]

    @property
    def notices(self) -> list[str]:
        """What went wrong before any task did, as sentences for its learner and the teacher."""
        name, kernel, error, module = (
            self.declared,
            self.language,
            self.first_error,
            self.missing_module,
        )
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
        """Convert it to what JSON can hold."""
        return dict(packed(self))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Result:
        """Convert it back from ``as_dict``.

        Raises:
            KeyError: A field is missing.
            TypeError: A field is unknown.
        """
        data = unpacked(data)
        tasks = tuple(
            TaskScore(
                **{
                    **task,
                    "items": tuple(
                        Item(**{**item, "kinds": tuple(item.get("kinds", ()))})
                        for item in task["items"]
                    ),
                    "excess": tuple(task["excess"]),
                }
            )
            for task in data["score"]["tasks"]
        )
        return cls(**{**data, "score": Score(**{**data["score"], "tasks": tasks})})


def by_exercise_and_learner(results: Iterable[Result]) -> list[Result]:
    """Sort results by exercise, then by learner."""
    return sorted(results, key=lambda result: (result.exercise, result.learner))
