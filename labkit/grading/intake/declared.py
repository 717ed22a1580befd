"""Whom a notebook says that it is of: the name and the code that its learner wrote. Both are only shown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from labkit.core.errors import UsageError
from labkit.grading.exercises.course_secret import seed_name
from labkit.grading.intake.submissions import Submission
from labkit.grading.tasks.seed import learner_name

DECLARED_NAME = r"""^ME = ["'](.*?)["']"""
"""The line in which learners write the name that they hand in under."""

DECLARED_CODE = re.compile(r"""\bcode\s*=\s*["']((?:\w{4}[- ]?){2}\w\w)["']""", re.IGNORECASE)
"""Where learners write their code."""

CODE = re.compile(r"""\bLABKIT_COURSE_CODE\b|["']((?:\w{4}[- ]?){2}\w\w)["']""")
"""A text that may be a code, or where one may come from."""


def declared_learner(cells: Iterable[str]) -> str:
    """The name that a learner wrote into the notebook (``ME = "…"``); empty where there is none.

    It is only shown. The folder decides whose submission it is.
    """
    found = (re.search(DECLARED_NAME, source, re.MULTILINE) for source in cells)
    return next((learner_name(match[1]) for match in found if match), "")


def declares_another_code(submission: Submission, cells: Iterable[str]) -> bool:
    """Whether a notebook has a code that is not the one that its learner is graded with."""
    codes = [match[1] for source in cells for match in DECLARED_CODE.finditer(source)]
    try:
        return any(seed_name(submission.learner, code) != submission.seed_name for code in codes)
    except UsageError:
        return True


def has_no_code(submission: Submission, cells: Iterable[str]) -> bool:
    """Whether the learner has a code, and nothing in the notebook can be one."""
    return bool(submission.code) and not any(
        DECLARED_CODE.search(source) or any(_may_be_code(submission, match[1]) for match in CODE.finditer(source))
        for source in cells
    )


def _may_be_code(submission: Submission, text: str | None) -> bool:
    try:
        return text is None or bool(seed_name(submission.learner, text))
    except UsageError:
        return False
