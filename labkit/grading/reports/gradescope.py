"""``gradescope/LEARNER/EXERCISE.json``: a Gradescope autograder's ``results.json``.

Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labkit.grading.result import Result
from labkit.grading.score import Item


def write(results: Sequence[Result], folder: Path) -> None:
    """Write one file for each submission."""
    for result in results:
        place = folder / "gradescope" / result.learner
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{result.exercise}.json").write_text(json.dumps(document(result), indent=1) + "\n")


def document(result: Result) -> dict[str, Any]:
    """A result as Gradescope reads it."""
    return {
        "score": result.score.points,
        "output": " ".join(filter(None, (result.outcome, result.omissions))),
        "visibility": "visible",
        "tests": [
            {
                "name": f"{task.id} {task.title}",
                "score": task.points,
                "max_score": task.most,
                **({"status": "passed" if task.full else "failed"} if task.most else {}),
                "output": "\n".join(_line(item) for item in task.items),
            }
            for task in result.score.tasks
        ],
    }


def _line(item: Item) -> str:
    if not item.judged:
        return f"– {item.expected} — {item.seen}"
    return f"✓ {item.expected}" if item.ok else f"✗ {item.expected} — {item.seen} Hint: {item.hint}"
