"""One small card, as text and as HTML, for everything a cell shows.

A card reads the same in a terminal, in a notebook, on a static page and to a
screen reader: colour is only ever a second sign beside a symbol and a word. In
JupyterLab it takes the theme's own variables, so it follows light and dark.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SYMBOLS = {"good": "✔", "bad": "✘", "warn": "!", "plain": "•"}
_COLOURS = {
    "good": "var(--jp-success-color1, #2e7d32)",
    "bad": "var(--jp-error-color1, #c62828)",
    "warn": "var(--jp-warn-color1, #b26a00)",
    "plain": "var(--jp-border-color1, #888)",
}
_BOX = (
    "border:1px solid var(--jp-border-color2,#ccc);border-left:4px solid {colour};"
    "border-radius:3px;padding:.5em .8em;margin:.2em 0;max-width:62em;"
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);"
    "font-size:var(--jp-ui-font-size1,13px);line-height:1.5;"
    "color:var(--jp-ui-font-color0,inherit);background:var(--jp-layout-color1,transparent)"
)
_TABLE = "border-collapse:collapse;table-layout:auto;margin:.3em 0 0;font:inherit;color:inherit;background:transparent"
_HEAD = (
    "text-align:left;vertical-align:baseline;padding:.1em 1em .1em 0;font:inherit;font-weight:600;"
    "white-space:nowrap;border:0;background:transparent;color:inherit"
)
_CELL = (
    "text-align:left;vertical-align:baseline;padding:.1em 0;border:0;font:inherit;background:transparent;"
    "color:inherit;white-space:pre-wrap;overflow-wrap:anywhere"
)
_CODE = (
    "font-family:var(--jp-code-font-family,ui-monospace,monospace);"
    "font-size:var(--jp-code-font-size,12px);color:inherit;background:transparent;padding:0"
)


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
        escape = html.escape
        symbol = f'<span aria-hidden="true">{SYMBOLS[self.tone]}</span>'
        parts = [
            f'<div role="group" aria-label="{escape(self.title, quote=True)}" '
            f'style="{_BOX.format(colour=_COLOURS[self.tone])}">',
            f"<strong>{symbol} {escape(self.title)}</strong>",
        ]
        parts += _table(self.rows)
        if self.body:
            parts.append(f'<pre style="{_CODE};margin:.4em 0 0;white-space:pre-wrap">')
            parts.append(f"{escape(self.body)}</pre>")
        parts.append("</div>")
        return "".join(parts)


def _table(rows: Iterable[Row]) -> list[str]:
    shown = [row for row in rows if row.value]
    if not shown:
        return []
    parts = [f'<table style="{_TABLE}"><tbody>']
    for row in shown:
        value = html.escape(row.value)
        if row.code:
            value = f'<code style="{_CODE}">{value}</code>'
        parts.append(
            f'<tr style="background:transparent"><th scope="row" style="{_HEAD}">'
            f'{html.escape(row.label)}</th><td style="{_CELL}">{value}</td></tr>'
        )
    return [*parts, "</tbody></table>"]


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
