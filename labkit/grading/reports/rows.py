"""The rows of the tables in a class's overview, as they are written to ``overview.json``."""

from collections.abc import Mapping
from typing import Any, TypedDict

Row = Mapping[str, Any]
"""A row of a table, by its headings. The page, the CSV file and the JSON file all go through them in their order."""

ExerciseRow = TypedDict(
    "ExerciseRow",
    {
        "exercise": str,
        "graded": int,
        "full marks": int,
        "mean share": float,
        "median share": float,
        "similar pairs": int,
    },
)

PersonRow = TypedDict(
    "PersonRow",
    {
        "exercise": str,
        "learner": str,
        "name": str,
        "share": float | None,
        "points": str,
        "tasks": list[str],
        "too much": int,
        "state": list[str],
    },
)

BeliefRow = TypedDict(
    "BeliefRow",
    {
        "mistake": str,
        "count": int,
        "learners": list[str],
        "tell the class": str,
        "they believe": str,
        "step": str,
        "tasks": list[str],
        "example": str,
    },
)

BandRow = TypedDict(
    "BandRow", {"exercise": str, "from share": float, "to share": float, "submissions": int}
)

TaskRow = TypedDict(
    "TaskRow",
    {
        "exercise": str,
        "task": str,
        "title": str,
        "share": float | None,
        "full marks": int,
        "judged": int,
        "not attempted": int,
        "discrimination": float | None,
    },
)


class ErrorRow(TypedDict):
    """An error, and the learners who had it first."""

    error: str
    count: int
    learners: list[str]


class UngradedRow(TypedDict):
    """A submission that was not graded, not judged, or did not end by itself."""

    exercise: str
    learner: str
    ended: str
    why: str
