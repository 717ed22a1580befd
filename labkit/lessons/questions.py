"""The questions at the beginning of each part, about the parts before. Answers are judged and never stored."""

from dataclasses import dataclass
from functools import cache

from labkit.core.display import Card, Displayable, Row
from labkit.core.errors import UsageError
from labkit.core.language import text
from labkit.core.yaml_file import read_yaml


@dataclass(frozen=True, repr=False)
class Feedback(Displayable):
    """The reply to a choice.

    Args:
        question: Such as ``3.1``.
        right: True if it is the right one; None before a choice.
        text: The reason, or a hint.
    """

    question: str
    right: bool | None
    text: str

    def card(self) -> Card:
        """The verdict in a line, with the reply below."""
        title, tone = {
            True: (text("{question} right", self.question), "good"),
            False: (text("{question} not yet", self.question), "warn"),
            None: (text("{question} your turn", self.question), "plain"),
        }[self.right]
        return Card(title, tone, [Row("", self.text)])


def judge(question: str, choice: str) -> Feedback:
    """Judge a choice.

    Args:
        question: Such as ``3.1``.
        choice: Its letter; empty before one is chosen.

    Raises:
        UsageError: There is no such question, or no such option.
    """
    found = _questions().get(question.strip())
    if found is None:
        known = text("Use one of {questions}.", ", ".join(_questions()))
        raise UsageError(text("There is no question {question}.", question), todo=known)
    # Learners write b, B, (b) and b. alike.
    letter = choice.strip().strip("().:").lower()
    if not letter:
        return Feedback(
            question, None, text("Write a, b or c between the quotes, and run the cell again.")
        )
    # The file has the right letter under a key next to the options.
    if letter not in found or letter == "right":
        raise UsageError(
            text("Question {question} has no option {choice}.", question, choice),
            todo="Choose a, b or c.",
        )
    return Feedback(question, letter == found["right"], text(found[letter]))


@cache
def _questions() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = read_yaml(__file__, "questions.yaml")
    return found
