"""The functions that a learner calls without a lab: check, hint, solution, predict, board.

They use the lab that was created last; before the first one, the chosen cluster.
"""

from pathlib import Path
from typing import Any, cast

from labkit import lessons
from labkit.core.arguments import STEP, STORABLE, TEXT, takes
from labkit.core.home import place_error
from labkit.lessons.base import CheckContext
from labkit.lessons.predictions import Noted
from labkit.lessons.progress import EXPORT_LINE, Progress

from . import current as current_lab
from .lab import Lab


def current() -> Lab:
    """Return the lab that was created last, or a new one."""
    found = current_lab.current()
    return Lab() if found is None else cast(Lab, found)


def context(lab: Lab) -> CheckContext:
    """Return the part of a lab that checkpoints use."""
    # A checkpoint's own requests are not the learner's, and must not pass the next step.
    quiet = lab.admin.without_observers()
    return CheckContext(
        admin=quiet,
        as_token=lambda raw: lab.as_token(raw).without_observers(),
        as_anonymous=lambda: lab.as_anonymous().without_observers(),
        execute=lab.probe,
        progress=lab.progress,
        names=lab.names,
        evidence=lab.evidence,
        policy_at_reset=lab.policy_at_reset,
        served=lab.resources.served,
        patience_seconds=lab.patience_seconds,
        report=lab.report_to_class,
    )


@takes(
    'predict("W15", "forbidden"), or predict("W19", {"kikai": "…", "darbo": "…"}) where a step asks several things',
    step=STEP,
    value=STORABLE,
)
def predict(step: str, value: object) -> Noted:
    """Record a prediction for a step; the answers that follow are recorded for it.

    Args:
        step: Such as ``W15``.
        value: Such as ``"forbidden"``.

    Raises:
        UsageError: The step does not exist, or the value cannot be stored.
    """
    return lessons.predict(step, value, progress())


def progress() -> Progress:
    """Return the learner's progress, with or without a cluster."""
    lab = current_lab.current()
    return lab.progress if lab is not None else Progress.default()


def export_progress() -> str:
    """Return the steps that you have passed and your first guesses, as a line for ``import_progress``."""
    return progress().exported()


@takes("import_progress(export_progress())", what=TEXT)
def import_progress(what: str) -> Any:
    """Add progress that was made elsewhere to your own.

    Args:
        what: The line of ``export_progress()``, or the name of a file with it.

    Raises:
        UsageError: It is not exported progress, or the file cannot be read.
    """
    text = what
    # Exports are one line with a fixed beginning, or JSON from older versions: neither is a
    # file's name.
    if not what.lstrip().startswith(("{", EXPORT_LINE)):
        try:
            text = Path(what).expanduser().read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise place_error(Path(what), error) from error
    progress().add(text)
    return board()


@takes('check("W15")', step=STEP)
def check(step: str) -> Any:
    """Judge a step by the cluster's behaviour.

    Args:
        step: Such as ``W15``.
    """
    return lessons.check(step, context(current()))


@takes('hint("W15")', step=STEP)
def hint(step: str) -> Any:
    """Show a hint for a step; each call shows the next one."""
    return lessons.hint(step, progress())


@takes('solution("W15")', step=STEP)
def solution(step: str) -> Any:
    """Show how a step can be solved."""
    return lessons.solution(step, progress())


@takes("board()")
def board() -> Any:
    """Show all steps and how far you are."""
    return lessons.board(progress())
