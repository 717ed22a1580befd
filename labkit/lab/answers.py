"""``answers(...)``: several questions and their answers as one table, for cells that ask more than once."""

from dataclasses import dataclass

from labkit.client.answer import Answer
from labkit.core.display import Displayable
from labkit.core.html import render
from labkit.core.language import all_shown, text, width

HEAD = (text("who"), text("what"), text("answer"))


@dataclass(frozen=True, repr=False)
class Answers(Displayable):
    """A table of who asked what, and the answer.

    Args:
        rows: The three columns of each question.
    """

    rows: tuple[tuple[str, str, str], ...]

    def __repr__(self) -> str:
        lines = [all_shown(row) for row in (HEAD, *self.rows)]
        sizes = [max(map(width, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(_padded, line, sizes)).rstrip() for line in lines)

    def _repr_html_(self) -> str:
        return render("table.html", head=all_shown(HEAD), rows=all_shown(self.rows), caption="")


def answers(*asked: Answer | tuple[str, str, object]) -> Answers:
    """Return a table of who asked what, and the answer.

    Args:
        asked: Answers of the server; or tuples of who, what, and an answer, a truth value or a text.
    """
    return Answers(tuple(map(_row, asked)))


def _padded(cell: str, size: int) -> str:
    return cell + " " * (size - width(cell))


def _row(asked: Answer | tuple[str, str, object]) -> tuple[str, str, str]:
    if isinstance(asked, Answer):
        return text(asked.who), f"{asked.method} {asked.path}", asked.title
    who, what, answer = asked
    if isinstance(answer, Answer):
        return who, what, answer.title
    if isinstance(answer, bool):
        return who, what, text("yes") if answer else text("no")
    return who, what, str(answer)
