"""Whom a notebook says that it is of: the name and the code that its learner wrote. Both are only shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from labkit.core.errors import UsageError
from labkit.grading.exercises.course_secret import seed_name
from labkit.grading.intake.submissions import Submission
from labkit.grading.tasks import find_exercise
from labkit.grading.tasks.seed import SEEDED, Seed, earlier_name, identity, learner_name

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
    return learner_name(_written_name(cells))


def _written_name(cells: Iterable[str]) -> str:
    found = (re.search(DECLARED_NAME, source, re.MULTILINE) for source in cells)
    return next((match[1] for match in found if match), "")


def declares_another_code(submission: Submission, cells: Iterable[str]) -> bool:
    """Whether a notebook has a code that is not the one that its learner is graded with."""
    codes = [match[1] for source in cells for match in DECLARED_CODE.finditer(source)]
    with suppress(UsageError):
        return any(seed_name(submission.learner, code) != submission.seed_name for code in codes)
    return True


def seed_of(submission: Submission, cells: Sequence[str]) -> tuple[str, bool]:
    """Return the name that a submission's seed is made of, and whether an earlier labkit made it so.

    That took a name as it was written: with capitals, wide letters, and what is not seen. Its names are those of the
    submission if more of them stand in the notebook.
    """
    writer = next(
        (each for each in submission.group if identity(each) == identity(_written_name(cells))), ""
    )
    if writer and not submission.code:  # whoever of the group wrote it
        submission = replace(submission, learner=writer)
    now, learner = submission.seed_name, submission.learner
    prefix = now.removesuffix(identity(learner))
    names = [
        name
        for name in (learner, submission.name, _written_name(cells))
        if identity(name) == identity(learner)
    ]
    earlier = [seed for name in names if (seed := f"{prefix}{earlier_name(name)}") != now]
    if not earlier:
        return now, False
    text = "\n".join(cells)
    tasks = find_exercise(submission.exercise).tasks
    labels = {
        match[1]
        for match in SEEDED.finditer("".join(f"{task.variant(Seed(now))}" for task in tasks))
    }
    best = max(
        (now, *earlier), key=lambda name: sum(Seed(name).name(label) in text for label in labels)
    )
    return best, best != now


def has_no_code(submission: Submission, cells: Iterable[str]) -> bool:
    """Whether the learner has a code, and nothing in the notebook can be one."""
    return bool(submission.code) and not any(
        DECLARED_CODE.search(source)
        or any(_may_be_code(submission, match[1]) for match in CODE.finditer(source))
        for source in cells
    )


def _may_be_code(submission: Submission, text: str | None) -> bool:
    with suppress(UsageError):
        return text is None or bool(seed_name(submission.learner, text))
    return False
