"""The questions at the beginning and at the end of a part, in a notebook."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from labkit.core.html import render
from labkit.core.language import listed, shown, text
from labkit.lessons.progress import Progress
from labkit.practice import keeping, review
from labkit.practice.review import Question

from .base import LabWidget

NOTHING = text("There are no questions here yet. Go on.")


class Review(LabWidget):
    """Some questions, one after another, each with the reply to what was chosen.

    Args:
        questions: What is asked, in this order.
        progress: The progress that stores the answers.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        progress: Progress,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._questions = questions
        self._progress = progress
        self._clock = clock
        self._number = 0
        self._right = 0
        self._begin()

    def on_answer(self, place: int) -> None:
        """Answer the question: the place of the answer, as it is shown."""
        if self.data["reply"] or not 0 <= place < len(self._order):
            return
        question = self._questions[self._number]
        chosen = self._order[place]
        right = chosen == 0
        self._right += right
        kept, _ = keeping.read(self._progress.drill())
        self._progress.join_drill(review.answered(kept, question, right, self._clock()))
        _, reply = question.answers[chosen]
        self.data = {**self.data, "chosen": place, "right": right, "reply": reply}

    def on_next(self) -> None:
        """Go on to the next question, or to the end."""
        if self.data["reply"]:
            self._number += 1
            self._begin()

    def as_text(self) -> str:
        """Return the question with its answers; before the first one all of them."""
        if not self._questions:
            return shown(NOTHING)
        return "\n\n".join(map(_plain, self._questions))

    def as_html(self) -> str:
        """Return the same as static HTML."""
        return render("text.html", text=self.as_text())

    def _begin(self) -> None:
        """Show the question whose turn it is, or the end."""
        asked = len(self._questions)
        self._order: list[int] = []
        current: dict[str, Any] = {"reply": "", "chosen": None, "right": False}
        if self._number < asked:
            question = self._questions[self._number]
            self._order = _shuffled(question)
            answers = [question.answers[place][0] for place in self._order]
            current |= {
                "title": text("Question {number} of {count}", self._number + 1, asked),
                "ask": question.ask,
                "policy": question.policy,
                "answers": answers,
                "step": question.step,
            }
        else:
            current |= {"ask": "", "title": self._end()}
        self.data = current

    def _end(self) -> str:
        if not self._questions:
            return NOTHING
        kept, _ = keeping.read(self._progress.drill())
        said = text("{right} of {count} right.", self._right, len(self._questions))
        return listed([said, keeping.reminder(kept, self._clock())], " ")


def _shuffled(question: Question) -> list[int]:
    """Return the places of the answers in the order in which they are shown."""
    places = list(range(len(question.answers)))
    if question.drilled:
        # Allowed comes first, as in the drill.
        return sorted(places, key=lambda place: question.answers[place][0])
    return random.sample(places, len(places))


def _plain(question: Question) -> str:
    lines = [question.ask, *question.policy.splitlines()]
    answers = sorted(shown(answer) for answer, _ in question.answers)
    return "\n".join([*map(shown, lines), *(f"  - {answer}" for answer in answers)])
