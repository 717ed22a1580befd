"""The asides: optional questions between the steps, with a prediction and an answer."""

from collections.abc import Mapping
from typing import Any

from labkit.core.language import text
from labkit.core.yaml_file import read_yaml

from . import faults
from .base import Check, CheckContext, Outcome, failed, not_attempted, passed
from .predictions import Prediction, decisions
from .steps import Step


def _aside(name: str, entry: Mapping[str, Any]) -> Step:
    asks = tuple(entry["asks"])
    words = {word: frozenset({word}) for word in entry.get("words", ())}
    # Most asides ask for decisions, so only the others list their words.
    prediction = Prediction(words, asks) if words else decisions(*asks)
    answers = dict(zip(asks, entry["answers"], strict=True))
    hints = (
        text("Guess first. Then run the cell: it asks the server."),
        text("Read each answer. Then predict again what was wrong."),
        text(entry["why"]),
    )
    check = _check(name, answers, text(entry["why"]))
    return Step(name, text(entry["title"]), entry["minutes"], check, hints, prediction=prediction)


def _check(name: str, answers: Mapping[str, str], why: str) -> Check:
    def check(context: CheckContext) -> Outcome:
        guesses = context.progress.prediction(name)
        if guesses is None:
            raise not_attempted(
                text(
                    'Predict first: predict("{name}", {"{label}": "…", …}).',
                    name,
                    next(iter(answers)),
                )
            )
        # The answers are facts of Kubernetes, not of this cluster, so the cluster is not queried for them.
        wrong = [label for label, answer in answers.items() if guesses.get(label) != answer]
        if wrong:
            seen = text(
                "you predicted “{guess}” for “{label}”",
                guesses.get(wrong[0], text("nothing")),
                wrong[0],
            )
            raise failed(
                "wrong-fact",
                seen,
                "what the server answers",
                "Run the cell, read, and predict again.",
            )
        return passed("; ".join(f"{label}: {answer}" for label, answer in answers.items()), why)

    return check


ENTRIES: Mapping[str, Mapping[str, Any]] = read_yaml(__file__, "asides.yaml")
ASKED: Mapping[str, Step] = {name: _aside(name, entry) for name, entry in ENTRIES.items()}
"""The asides that ask for a prediction."""

ASIDES: Mapping[str, Step] = {**ASKED, **faults.FAULTS}
"""Each aside as a step that no other step and no rewind knows."""


def of_lesson(lesson: str) -> tuple[Step, ...]:
    """The asides of a lesson, such as ``04-roles``."""
    asked = (name for name, entry in ENTRIES.items() if entry["part"] == lesson)
    return tuple(ASIDES[name] for name in (*asked, *faults.of_lesson(lesson)))
