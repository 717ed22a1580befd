"""Shell patterns (``*``, ``?``, ``[…]``), matched without backtracking bombs.

The text between two stars has a fixed length. So its first match is as good as any other,
and is never tried again, with an atomic group of Python's ``re``. A match then costs at most length of the
text times length of the pattern.

In a pattern's text a backslash precedes each character that was quoted (:func:`quoted`).
"""

import re

from .task_loop import BudgetExceeded

CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z",
    "space": " \\t\\n\\r\\f\\v", "blank": " \\t", "punct": "!-/:-@\\[-`{-~", "print": " -~", "graph": "!-~",
    "cntrl": "\\x00-\\x1f\\x7f", "xdigit": "0-9a-fA-F",
}  # fmt: skip
"""The named classes, as they stand in brackets of Python's ``re``; those of the C locale."""

MAX_ITEMS = 4_096
_STAR = "*"
_TOKEN = re.compile(
    r"\[(?P<negated>[!^]?)(?P<set>(?:\[:\w+:\]|[][])?(?:\[:\w+:\]|\\.|[^][\\])*)\]|\\(?P<quoted>.)|(?P<plain>.)",
    re.DOTALL,
)
_MEMBER = re.compile(r"\[:(\w+):\]|\\?(.)(?:-\\?([^]]))?", re.DOTALL)


def quoted(text: str) -> str:
    """Return a pattern that matches a text alone."""
    return re.sub(r"[][\\*?!^-]", r"\\\g<0>", text)


def literal(pattern: str) -> str:
    """Return the text of a pattern without the backslashes, as if it had no magic."""
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL) if "\\" in pattern else pattern


def is_magic(pattern: str) -> bool:
    """Return whether a pattern is more than plain characters."""
    bare = re.sub(r"\\.", "", pattern, flags=re.DOTALL) if "\\" in pattern else pattern
    return "*" in bare or "?" in bare or "]" in bare.partition("[")[2]


def member_ranges(text: str, *, strict: bool = False) -> str:
    """Return the members of a bracket expression for Python's ``re``.

    Raises:
        ValueError: If ``strict``, a range ends before it begins; otherwise such a range is empty.
    """
    ranges = ""
    for name, low, high in _MEMBER.findall(text):
        if name:
            ranges += CLASSES.get(name, "")
        elif not high:
            ranges += re.escape(low)
        elif low <= high:
            ranges += f"{re.escape(low)}-{re.escape(high)}"
        elif strict:
            raise ValueError("Invalid range end")
    return ranges


def _item(match: re.Match[str]) -> str:
    """Return a pattern's token as an expression for one character, or a star."""
    if match["set"] is not None:
        ranges = member_ranges(match["set"])
        # `re` has no empty class, but `[b-a]` is a valid pattern, which matches no character.
        empty = "." if match["negated"] else "(?!)"
        return f"[{'^' if match['negated'] else ''}{ranges}]" if ranges else empty
    special = {"*": _STAR, "?": "."}.get(match["plain"] or "")
    return special or re.escape(match["plain"] or match["quoted"])


class Pattern:
    """A compiled pattern."""

    def __init__(self, text: str) -> None:
        self._items = [_item(match) for match in _TOKEN.finditer(text)]
        if len(self._items) > MAX_ITEMS:
            raise BudgetExceeded("the lab's limit of work for one search was reached")

    def matches(self, text: str) -> bool:
        """Return whether the whole text matches."""
        return self._compiled(self._items, longest=True).fullmatch(text) is not None

    def trim(self, text: str, operator: str) -> str:
        """Return a text without the prefix (``#``) or suffix (``%``) that matches; the longest if it is doubled."""
        longest = len(operator) == 2
        if operator[0] == "#":
            match = self._compiled(self._items, longest=longest).match(text)
            return text[match.end() :] if match else text
        # A suffix is a prefix of the text and the pattern read backwards.
        match = self._compiled(self._items[::-1], longest=longest).match(text[::-1])
        return text[: len(text) - match.end()] if match else text

    def _compiled(self, items: list[str], *, longest: bool) -> re.Pattern[str]:
        """Compile an expression in which every star is as short as possible, but for the last one if ``longest``."""
        chunks = [""]
        for item in items:
            if item == _STAR:
                chunks.append("")
            else:
                chunks[-1] += item
        expression = chunks[0]
        for number, chunk in enumerate(chunks[1:], 2):
            star = ".*" if longest and number == len(chunks) else ".*?"
            expression += f"(?>{star}{chunk})"
        return re.compile(expression, re.DOTALL)
