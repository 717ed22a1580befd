"""Show the values of cells as cards, in text and in HTML.

A card has the same content in a terminal, in a notebook, on a static page and for a screen reader:
colour is always accompanied by a symbol and a word. In JupyterLab it has the theme's colours.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from .html import render
from .language import said, shown, width

SYMBOLS = {"good": "✔", "bad": "✘", "warn": "!", "plain": "•"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a card: a label of a word or two, and a text, which can be code."""

    label: str
    value: str
    code: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """A headline with a tone, and labelled lines below it; a cell shows it.

    Args:
        title: The headline.
        tone: ``good``, ``bad``, ``warn`` or ``plain``.
        rows: The labelled lines; those with an empty value are left out.
        body: Preformatted text below them, such as a command's output.
    """

    title: str
    tone: str = "plain"
    rows: Sequence[Row] = ()
    body: str = ""

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
        """Return the card as HTML: a labelled group, and a table with row headers."""
        return render("card.html", card=self, rows=self._shown_rows(), symbol=SYMBOLS[self.tone])

    def _shown_rows(self) -> list[Row]:
        """Return the rows with a value, in the learner's language."""
        return [Row(said(row.label), shown(row.value), row.code) for row in self.rows if row.value]

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
