"""``feedback/LEARNER.html``: what was seen, what was expected, and one hint, for the learner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from labkit.core.html import render
from labkit.grading.result import Result


def write(results: Sequence[Result], folder: Path) -> None:
    """Write one page for each learner, with all their exercises."""
    place = folder / "feedback"
    place.mkdir(parents=True, exist_ok=True)
    learners: dict[str, list[Result]] = {}
    for result in results:
        learners.setdefault(result.learner, []).append(result)
    for learner, own in learners.items():
        (place / f"{learner}.html").write_text(page(learner, own), encoding="utf-8")


def page(learner: str, results: Sequence[Result]) -> str:
    """Render a learner's page.

    Args:
        learner: The learner.
        results: Their results.
    """
    return render("feedback.html", learner=learner, results=results)
