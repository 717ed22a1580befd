"""The display of hints, solutions, and the board of all steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labkit.core.display import SYMBOLS, Card, Displayable, Row
from labkit.core.html import render
from labkit.core.language import Text, listed, text

from .base import TONES, WORDS
from .progress import Entry
from .steps import Lesson


@dataclass(frozen=True, repr=False)
class Help(Displayable):
    """A hint or a solution, with its heading and what to do next."""

    title: str
    text: str
    then: str
    code: bool = False

    def card(self) -> Card:
        """The text under its title."""
        if self.code:
            return Card(self.title, "plain", [Row("note", self.then)], self.text)
        return Card(self.title, "plain", [Row("hint", self.text), Row("then", self.then)])


def state_text(entry: Entry) -> str:
    """The state of a step in words, and whether the first guess of a passed one was right."""
    word = WORDS[entry.get("state", "not attempted")]
    guessed = entry.get("guessed")
    if guessed is None:
        return word
    return text("{state}, right at first", word) if guessed else text("{state}, right later", word)


@dataclass(frozen=True, repr=False)
class Board(Displayable):
    """Every step of the lessons and its state, from the stored facts of each step."""

    lessons: Sequence[Lesson]
    progress: Mapping[str, Entry]

    def state(self, step: str) -> str:
        """``passed``, ``failed`` or ``not attempted``."""
        return self.progress.get(step, {}).get("state", "not attempted")

    @property
    def passed(self) -> list[str]:
        """The steps that are passed."""
        # In the order of the lessons, not of passing.
        steps = [step.id for lesson in self.lessons for step in lesson.steps]
        return [step for step in steps if self.state(step) == "passed"]

    @property
    def title(self) -> str:
        """The number of passed steps in words, and of first guesses that were right."""
        guesses = [
            guessed
            for entry in self.progress.values()
            if (guessed := entry.get("guessed")) is not None
        ]
        passed, *asides = self.counts()
        # Asides count among the guesses, too: a guess is a guess wherever it was made.
        if guesses:
            passed = text(
                "{passed}, {right} of {guesses} first guesses right",
                passed,
                sum(guesses),
                len(guesses),
            )
        return listed([passed, *asides], ", ")

    def counts(self) -> list[Text]:
        """How many steps are passed; and how many asides are answered, if any is."""
        total = sum(len(lesson.steps) for lesson in self.lessons)
        asides = [step.id for lesson in self.lessons for step in lesson.asides]
        answered = sum(self.state(aside) == "passed" for aside in asides)
        said = [text("{passed} of {total} steps passed", len(self.passed), total)]
        return said + (
            [text("{answered} of {asides} asides answered", answered, len(asides))]
            if answered
            else []
        )

    def card(self) -> Card:
        """One line for each lesson, and one for each step."""
        rows: list[Row] = []
        for lesson in self.lessons:
            done = sum(self.state(step.id) == "passed" for step in lesson.steps)
            rows.append(
                Row(
                    lesson.id[:2],
                    text("{lesson}: {done} of {steps}", lesson.title, done, len(lesson.steps)),
                )
            )
            for step in lesson.steps:
                rows.append(Row(f"  {step.id}", listed([self._word(step.id), step.title], " · ")))
        return Card(self.title, "good" if self.passed else "plain", rows)

    def _word(self, step: str) -> str:
        state = self.state(step)
        return listed([SYMBOLS[TONES[state]], state_text(self.progress.get(step, {}))], " ")

    def _repr_html_(self) -> str:
        """A table for each lesson, with headers that a screen reader announces."""
        return render("steps.html", title=self.title, lessons=self.lessons, state=self._word)
