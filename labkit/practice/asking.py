"""One learner's drill: the next question, and the effect of an answer.

Ideas that were wrong before come first, two questions for each; then questions that distinguish ideas, until one
is found. ``ui/static/drill.js`` does the same in JavaScript.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from . import keeping
from .chooser import Answered, Finding, Question, choose, finding, weights_after

AGAIN = 2
"""Questions for an idea that comes back; after one wrong answer its days begin again."""


@dataclass
class Session:
    """A session of the drill: questions and answers until a finding.

    Args:
        ideas: The pool's ideas.
        questions: The pool's questions; of equally good ones the first is asked.
        kept: The stored state; each answer replaces it.
        now: The beginning of the session, in seconds since the epoch.
    """

    ideas: Sequence[dict[str, Any]]
    questions: Sequence[Question]
    kept: keeping.Kept
    now: float
    answers: list[Answered] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Collect the ideas that come back, and those that are known to be wrong."""
        self._numbers = {idea["id"]: number for number, idea in enumerate(self.ideas)}
        self._again = [(idea, AGAIN) for idea in keeping.due(self.kept, self.now)]
        settled = {*keeping.gone(self.kept)}
        self._aside = {self._numbers[idea] for idea in self.kept["ideas"] if idea not in settled}

    @property
    def coming_back(self) -> str:
        """The id of the idea that the next question is about because it comes back; empty if none does."""
        return self._again[0][0] if self._again else ""

    @property
    def finding(self) -> Finding | None:
        """The conclusion from the answers; None while more questions are needed."""
        return None if self._again else finding(len(self.ideas), self.answers)

    def next(self) -> Question | None:
        """Return the next question; None after a finding, or if all were asked in the last 30 days."""
        # "set" marks the questions of the measurement: practice must not reveal their answers.
        left = [
            question
            for question in self.questions
            if "set" not in question and question["id"] not in self.kept["asked"]
        ]
        if self._again:
            number = self._numbers[self.coming_back]
            alone = [question for question in left if number in question["wrong"]]
            if alone:
                # The fewest ideas: a wrong answer then points to this one, and hardly to
                # another.
                return min(alone, key=lambda question: len(question["wrong"]))
            self._again.pop(0)
            return self.next()
        if self.finding:
            return None
        # A known idea makes its questions wrong again, which would count as evidence for others.
        fresh = [question for question in left if not self._aside & {*question["wrong"]}]
        return choose(len(self.ideas), weights_after(len(self.ideas), self.answers), fresh)

    def answer(self, question: Question, allowed: bool) -> bool:
        """Process an answer, and return whether it is right."""
        right = bool(allowed == question["allowed"])
        self.kept = keeping.asked(self.kept, question["id"], self.now)
        # Answers to repeated questions are no evidence for the finding: they were chosen for a
        # known idea.
        if not self._again:
            wrong = tuple(question["wrong"])
            traits = tuple(question["traits"])
            self.answers.append(Answered(wrong, question["allowed"], not right, traits))
            if (said := self.finding) and said.kind == "idea":
                self.kept = keeping.found(self.kept, self.ideas[said.idea]["id"], self.now)
            return right
        idea, left = self._again.pop(0)
        if right and left > 1:
            self._again.insert(0, (idea, left - 1))
        else:
            self.kept = keeping.came_back(self.kept, idea, right, self.now)
        return right

    def likeliest(self, question: Question) -> dict[str, Any] | None:
        """Return the likeliest of the ideas that answer this question wrongly, or None."""
        weights = weights_after(len(self.ideas), self.answers)
        number = max(question["wrong"], key=weights.__getitem__, default=None)
        return None if number is None else self.ideas[number]
