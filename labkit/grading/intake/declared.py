"""The name and the code that a learner wrote into the notebook. Both are only shown: anyone could write them."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from labkit.core.errors import UsageError

from ..exercises.course_secret import seed_name
from ..tasks.seed import identity, learner_name
from .submissions import Submission

DECLARED_NAME = r"""^ME = ["'](.*?)["']"""
"""The line in which learners write the name that they hand in under."""

DECLARED_CODE = re.compile(r"""\bcode\s*=\s*["']((?:\w{4}[- ]?){2}\w\w)["']""", re.IGNORECASE)
"""Where learners write their code."""

CODE = re.compile(r"""\bLABKIT_COURSE_CODE\b|["']((?:\w{4}[- ]?){2}\w\w)["']""")
"""A text that can be a code, or the variable that can have one."""


def declared_learner(cells: Iterable[str]) -> str:
    """Return the name that a learner wrote into the notebook (``ME = "…"``); empty without one.

    It is only shown: the folder decides whose submission it is.
    """
    return learner_name(_written_name(cells))


def _written_name(cells: Iterable[str]) -> str:
    matches = (re.search(DECLARED_NAME, source, re.MULTILINE) for source in cells)
    return next((match[1] for match in matches if match), "")


def declares_another_code(submission: Submission, cells: Iterable[str]) -> bool:
    """Return whether a notebook has another code than the one with which its learner is graded."""
    codes = [match[1] for source in cells for match in DECLARED_CODE.finditer(source)]
    # A code that does not fit its learner raises an error, and is another one as well.
    with suppress(UsageError):
        return any(seed_name(submission.learner, code) != submission.seed_name for code in codes)
    return True


def seed_of(submission: Submission, cells: Iterable[str]) -> str:
    """Return the name that a submission's seed is made of."""
    written = _written_name(cells)
    writer = next((name for name in submission.group if identity(name) == identity(written)), "")
    # Whoever of a group wrote the notebook; with a code, the names depend on the code's learner.
    if writer and not submission.code:
        submission = replace(submission, learner=writer)
    return submission.seed_name


def has_no_code(submission: Submission, cells: Iterable[str]) -> bool:
    """Return whether the learner has a code, and no text in the notebook can be one."""
    return bool(submission.code) and not any(
        DECLARED_CODE.search(source)
        or any(_may_be_code(submission, match[1]) for match in CODE.finditer(source))
        for source in cells
    )


def _may_be_code(submission: Submission, text: str | None) -> bool:
    with suppress(UsageError):
        return text is None or bool(seed_name(submission.learner, text))
    return False
