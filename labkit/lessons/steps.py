"""The walkthrough's lessons and steps, as data."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from labkit.core.arguments import describe
from labkit.core.errors import UsageError
from labkit.core.language import listed, text
from labkit.core.yaml_file import read_yaml

from .base import Check
from .predictions import Prediction

ANY = "any client: lab, kubectl, curl, Python, labkit exec"
STATE = "any client: the cluster is asked how it is now"

WALKTHROUGH = "W"
"""The letter of the write-up's steps."""

BY = {
    "any": ANY,
    "any proxy": "any client through any proxy",
    "any pod": "any client in the pod",
    "exec": "lab.exec, labkit exec, lab.kubectl, kubectl exec: each call as a command of its own",
    "record": "lab.record",
    "record any": "lab.record; and any client",
    "tokens": "lab.pod_token and lab.token, or any client; and lab.record",
    "state": STATE,
}
"""Who can give a step's evidence, by the words of ``steps.yaml``."""


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step.

    Args:
        id: Such as ``W17``.
        title: The learner's action, in a few words.
        minutes: The time it takes.
        check: The checkpoint.
        hints: The place to look, the text to write, and all but the last word.
        seen: The evidence that the checkpoint uses, in words.
        by: The clients that can produce it, in words.
        kubectl: How to do it in a terminal.
        prediction: The prediction that the learner makes; None if there is none.
    """

    id: str
    title: str
    minutes: int
    check: Check
    hints: tuple[str, str, str]
    seen: str = ""
    by: str = ""
    kubectl: str = ""
    prediction: Prediction | None = None


def step(predict: Prediction | None = None) -> Callable[[Check], Step]:
    """Make a step of its checkpoint, a function whose name is the step's id in small letters.

    The texts of the step are in ``steps.yaml``.

    Args:
        predict: The prediction that the learner makes.
    """

    def make(check: Check) -> Step:
        name = check.__name__.upper()
        # A KeyError here at import is a checkpoint whose texts are missing in steps.yaml.
        said = _texts()[name]
        look, write, almost = said["hints"]
        return Step(
            name,
            text(said["title"]),
            said["minutes"],
            check,
            (text(look), text(write), text(almost)),
            said["seen"],
            BY[said["by"]],
            said.get("kubectl", ""),
            predict,
        )

    return make


def step_id(step: str | int) -> str:
    """Return the id of a step: ``W15`` for ``w15``, ``"15"`` and ``15``; a number alone is one of the walkthrough's.

    Raises:
        UsageError: There is no such step.
    """
    # ASCII alone: \d matches the digits of all scripts, and a full-width W would be another letter.
    match = re.fullmatch(r"([A-Z]?)0*(\d+)", str(step).strip().upper(), re.ASCII)
    name = f"{match[1] or WALKTHROUGH}{match[2]}" if match else ""
    if name not in _texts():
        raise UsageError(
            text("There is no step {step}.", describe(str(step))),
            todo=text("Steps are {steps}.", _ranges()),
        )
    return name


def step_ids() -> tuple[str, ...]:
    """The ids of all steps, in order."""
    return tuple(_texts())


def position(step: str) -> int:
    """The place of a step, by its id, among all steps."""
    return step_ids().index(step)


def taken_away(step: str) -> tuple[str, ...]:
    """The steps whose objects a step deletes, by its id."""
    return tuple(_texts()[step].get("takes away", ()))


def objects(step: str) -> tuple[str, ...]:
    """The objects that a learner makes or changes in a step, by its id, each as ``resource/name``."""
    return tuple(_texts().get(step, {}).get("objects", "").split())


def _ranges() -> str:
    """The ids of all steps in words: ``W1 to W24``."""
    letters = dict.fromkeys(name[0] for name in _texts())
    series = [[name for name in _texts() if name[0] == letter] for letter in letters]
    return listed(
        names[0] if len(names) == 1 else text("{one} to {other}", names[0], names[-1])
        for names in series
    )


@cache
def _texts() -> dict[str, dict[str, Any]]:
    texts: dict[str, dict[str, Any]] = read_yaml(__file__, "steps.yaml")
    return texts


@dataclass(frozen=True, slots=True)
class Lesson:
    """A part of the walkthrough: one notebook, whose name without its ending is the id (``04-roles``)."""

    id: str
    title: str
    subtitle: str
    steps: tuple[Step, ...]
    asides: tuple[Step, ...] = ()

    @property
    def notebook(self) -> str:
        """The notebook's file name."""
        return f"{self.id}.ipynb"

    @property
    def minutes(self) -> int:
        """The time that all steps and asides take."""
        return sum(step.minutes for step in (*self.steps, *self.asides))
