"""``prairielearn/LEARNER/EXERCISE.json``: an external grader's results for PrairieLearn.

Source: https://prairielearn.readthedocs.io/en/latest/externalGrading/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labkit.grading.result import FAILED, Result


def write(results: Sequence[Result], folder: Path) -> None:
    """Write one file for each submission."""
    for result in results:
        place = folder / "prairielearn" / result.learner
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{result.exercise}.json").write_text(json.dumps(document(result), indent=1) + "\n")


def document(result: Result) -> dict[str, Any]:
    """A result as PrairieLearn reads it; its score is a fraction."""
    most = result.score.most
    return {
        "gradable": result.ended not in ("unreadable", FAILED),
        "score": result.score.points / most if most else 0.0,
        "message": " ".join(filter(None, (result.outcome, result.omissions))),
        "tests": [
            {
                "name": f"{task.id} {task.title}",
                "points": task.points,
                "max_points": task.most,
                "message": "\n".join(f"{item.expected}: {item.seen}" for item in task.items if not item.ok),
            }
            for task in result.score.tasks
        ],
    }
