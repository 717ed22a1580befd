"""The possible answers of a prediction as buttons."""

from collections.abc import Mapping

from labkit import lessons
from labkit.core.arguments import STEP, STORABLE, takes
from labkit.core.language import said, shown, text
from labkit.lab import words
from labkit.lessons.predictions import Noted, is_open
from labkit.lessons.progress import Progress
from labkit.lessons.steps import Step

from .base import LabWidget


class Taps(LabWidget):
    """A step's questions, each with a button for every possible answer, or a field for a free one.

    The prediction is stored when every question has an answer. Where the page can reach its notebook, the answer is
    written into the cell (``static/taps.js``).

    Args:
        step: A step that asks for a prediction.
        progress: The progress that stores it.
        given: The answers that the cell has already, with placeholders for the others.
    """

    def __init__(self, step: Step, progress: Progress, given: object = None) -> None:
        super().__init__()
        assert step.prediction is not None
        self._step = step
        self._asked = step.prediction
        self._progress = progress
        self._answers = {**self._by_label(progress.prediction(step.id)), **self._by_label(given)}
        self._show()

    def on_choose(self, label: str, answer: str) -> None:
        """Choose an answer to a question; the label is empty where the step has one question."""
        chosen = self._asked.read(self._step.id, {label: answer} if self._asked.labels else answer)
        self._answers.update(self._by_label(chosen))
        if len(self._answers) == len(self._labels):
            lessons.predict(self._step.id, self._value(), self._progress)
        self._show()

    def as_text(self) -> str:
        """Return the questions with their possible answers, and the line to write where there are no buttons."""
        lines = [f"{self._step.id} · {said(self._step.title)}"]
        for label in self._labels:
            answers = " / ".join(self._asked.words) or shown(text(self._asked.example))
            chosen = self._answers.get(label)
            line = f"{label}: {answers}" if label else answers
            lines.append(f"  {line}  ({chosen})" if chosen else f"  {line}")
        lines.append(self._call({label: self._answers.get(label, "…") for label in self._labels}))
        return "\n".join(lines)

    @property
    def _labels(self) -> tuple[str, ...]:
        return self._asked.labels or ("",)

    def _by_label(self, value: object) -> dict[str, str]:
        """Return the answers of a prediction that are no placeholders, by label."""
        answers = value if isinstance(value, Mapping) else dict.fromkeys(self._labels, value)
        kept: object = {label: answer for label, answer in answers.items() if not is_open(answer)}
        if kept and self._asked.labels:
            kept = self._asked.read(self._step.id, kept)
        assert isinstance(kept, Mapping)
        return {str(label): str(answer) for label, answer in kept.items()}

    def _value(self) -> Mapping[str, str] | str:
        """Return the prediction as ``predict`` takes it, in the order of the questions."""
        if not self._asked.labels:
            return self._answers[""]
        return {label: self._answers[label] for label in self._labels}

    def _call(self, answers: Mapping[str, str]) -> str:
        if not self._asked.labels:
            return f'predict("{self._step.id}", "{answers[""]}")'
        pairs = ", ".join(f'"{label}": "{answer}"' for label, answer in answers.items())
        return f'predict("{self._step.id}", {{{pairs}}})'

    def _show(self) -> None:
        # In the order of the questions, not of the presses.
        chosen = {label: self._answers.get(label, "") for label in self._labels}
        complete = all(chosen.values())
        self.data = {
            "step": self._step.id,
            "title": self._step.title,
            "questions": [{"label": label, "chosen": answer} for label, answer in chosen.items()],
            "answers": list(self._asked.words),
            "example": text(self._asked.example),
            "code": self._call(chosen) if complete else "",
        }


@takes(
    'predict("W15", "forbidden"), or predict("W19", {"kikai": "…", "darbo": "…"}) where a step asks several things',
    step=STEP,
    value=STORABLE,
)
def predict(step: str, value: object = None) -> Noted | Taps:
    """Record a prediction for a step, or show its possible answers as buttons.

    Args:
        step: Such as ``W15``.
        value: Such as ``"forbidden"``. With ``"…"``, or without a value, the answers are shown as buttons.

    Returns:
        The recorded prediction, or the buttons.

    Raises:
        UsageError: The step does not exist, or the value cannot be stored.
    """
    if is_open(value) and lessons.find(step).prediction:
        return Taps(lessons.find(step), words.progress(), value)
    return words.predict(step, value)
