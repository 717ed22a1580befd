"""One small card, as text and as HTML, for everything a cell shows.

A card reads the same in a terminal, in a notebook, on a static page and to a
screen reader: colour is only ever a second sign beside a symbol and a word. In
JupyterLab it takes the theme's own variables, so it follows light and dark.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from labkit.core.html import render

SYMBOLS = {"good": "✔", "bad": "✘", "warn": "!", "plain": "•"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a card.

    Args:
        label: What it is, in a word or two.
        value: What it says.
        code: Whether to set it in a fixed-width face.
    """

    label: str
    value: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A headline with a tone, and labelled lines below it.

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
        """The card as plain text."""
        rows = [row for row in self.rows if row.value]
        width = max((len(row.label) for row in rows), default=0)
        lines = [f"{SYMBOLS[self.tone]} {self.title}"]
        for row in rows:
            first, *more = row.value.splitlines() or [""]
            lines.append(f"  {row.label:<{width}}  {first}")
            lines += [f"  {'':<{width}}  {line}" for line in more]
        if self.body:
            lines.append(textwrap.indent(self.body.rstrip("\n"), "  "))
        return "\n".join(lines)

    def html(self) -> str:
        """The card as HTML: a group with a name, and a table with row headers."""
        rows = [row for row in self.rows if row.value]
        return render("card.html", card=self, rows=rows, symbol=SYMBOLS[self.tone])


class Shown:
    """A value that shows itself as a card: subclasses give ``card``."""

    def card(self) -> Card:
        """The card to show."""
        return Card(type(self).__name__)

    def __repr__(self) -> str:
        """The card as plain text."""
        return self.card().text()

    def _repr_html_(self) -> str:
        return self.card().html()
