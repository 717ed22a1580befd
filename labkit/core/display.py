"""Show the values of cells as cards, in text and in HTML.

A card has the same content in a terminal, in a notebook, on a static page and for a screen reader:
colour is always accompanied by a symbol and a word. In JupyterLab it has the theme's colours.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from .html import render
from .language import said, shown, text, width

SYMBOLS = {"good": "✔", "bad": "✘", "warn": "!", "plain": "•"}
STATION_WORDS = {
    "pass": ("✓", text("passed")),
    "stop": ("✕", text("stopped here")),
    "none": ("–", text("not reached")),
}
"""The symbol and the word for what happened to a request at a station."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a card.

    Args:
        label: A word or two.
        value: The text.
        code: Whether the text is code.
        place: ``text`` if HTML has it in another form, ``command`` if it is folded there; empty for both.
    """

    label: str
    value: str
    code: bool = False
    place: Literal["", "text", "command"] = ""


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """A headline with a tone, and labelled lines below it; a cell shows it.

    Args:
        title: The headline.
        tone: ``good``, ``bad``, ``warn`` or ``plain``.
        rows: The labelled lines; those with an empty value are left out.
        body: Preformatted text below them, such as a command's output.
        sentence: The parts of a request's sentence, such as who, verb, what and where.
        stations: The stations of a request with ``pass``, ``stop`` or ``none``.
        passed: Whether it is the card of a step or task that was passed.
    """

    title: str
    tone: str = "plain"
    rows: Sequence[Row] = ()
    body: str = ""
    sentence: Sequence[str] = ()
    stations: Mapping[str, str] = field(default_factory=dict)
    passed: bool = False

    def text(self) -> str:
        """Return the card as plain text."""
        rows = self._shown_rows()
        indent = max((width(row.label) for row in rows), default=0)
        lines = [f"{SYMBOLS[self.tone]} {shown(self.title)}"]
        for row in rows:
            first, *more = row.value.splitlines() or [""]
            lines.append(f"  {row.label}{' ' * (indent - width(row.label))}  {first}")
            lines += [f"  {'':<{indent}}  {line}" for line in more]
        if self.body:
            lines.append(textwrap.indent(shown(self.body).rstrip("\n"), "  "))
        return "\n".join(lines)

    def html(self) -> str:
        """Return the card as HTML: a labelled group, and a table with row headers.

        A request is a sentence above its stations, and its commands are folded.
        """
        rows = [row for row in self._shown_rows() if row.place != "text"]
        return render(
            "card.html",
            card=self,
            rows=[row for row in rows if not row.place],
            commands=[row for row in rows if row.place],
            symbol=SYMBOLS[self.tone],
            words=STATION_WORDS,
        )

    def _shown_rows(self) -> list[Row]:
        """Return the rows with a value, in the learner's language."""
        return [
            replace(row, label=said(row.label), value=shown(row.value))
            for row in self.rows
            if row.value
        ]

    def __repr__(self) -> str:
        return self.text()

    # IPython looks for a method of this name: IPython.core.formatters.HTMLFormatter.
    def _repr_html_(self) -> str:
        return self.html()


class Displayable:
    """A value that a cell shows as a card: subclasses override ``card``."""

    def card(self) -> Card:
        """Return the card to show."""
        return Card(type(self).__name__)

    def __repr__(self) -> str:
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()
