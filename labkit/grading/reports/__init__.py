"""Scores in the formats that teachers' systems read. Each writer is ``write(results, folder)``."""

from collections.abc import Callable, Sequence
from pathlib import Path

from labkit.grading.reports import gradescope, junit, page, prairielearn, table
from labkit.grading.result import Result

WRITERS: tuple[Callable[[Sequence[Result], Path], None], ...] = (
    table.write,
    junit.write,
    gradescope.write,
    prairielearn.write,
    page.write,
)


def write_all(results: Sequence[Result], folder: Path) -> None:
    """Write every format.

    Args:
        results: Sorted by exercise and learner.
        folder: Where; made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for write in WRITERS:
        write(results, folder)


__all__ = ["WRITERS", "write_all"]
