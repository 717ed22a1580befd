"""Shell patterns (``*``, ``?``, ``[…]``), matched without backtracking bombs.

What stands between two stars has a fixed length. So the first place where it fits is as good as any other,
and is never tried again: an atomic group of Python's ``re`` says so. A match then costs at most length of the
text times length of the pattern.
"""

from __future__ import annotations

import re

from labkit.embedded.container.shell.task_loop import BudgetExceeded

CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z",
    "space": " \\t\\n\\r\\f\\v", "blank": " \\t", "punct": "!-/:-@\\[-`{-~", "print": " -~", "graph": "!-~",
    "cntrl": "\\x00-\\x1f\\x7f", "xdigit": "0-9a-fA-F",
}  # fmt: skip
"""The named classes, as they stand in brackets of Python's ``re``; those of the C locale."""

STAR = ".*?"
"""``*`` among a pattern's items; all others are expressions for one character."""

MAX_ITEMS = 4_096

_PIECE = re.compile(r"\[:(\w+):\]|(\\.|.)(?:-(\\.|[^]]))?", re.DOTALL)
_REGEX_PIECE = re.compile(r"\[:(\w+):\]|(.)(?:-([^]]))?", re.DOTALL)
"""A member of a bracket expression: a named class, a character or a range."""


class Pattern:
    """A compiled pattern of texts, each of which may be quoted: then it stands for itself."""

    def __init__(self, segments: list[tuple[str, bool]], *, fold: bool = False) -> None:
        # A backslash in front of what was quoted, so that all of it is one text.
        text = "".join(
            re.sub(r"(.)", r"\\\1", part, flags=re.DOTALL) if quoted else part
            for part, quoted in segments
        )
        self._flags = re.DOTALL | (re.IGNORECASE if fold else 0)
        self.literal = ""
        """The characters of a pattern that has no magic."""
        self.magic = False
        """Whether it is more than plain characters."""
        self.items: list[str] = []
        index = 0
        while index < len(text):
            char = text[index]
            bracket = read_set(text, index + 1) if char == "[" else None
            self.magic = self.magic or char in "*?" or bracket is not None
            if bracket is not None:
                item, index = bracket
            elif char in "*?":
                item, index = (STAR if char == "*" else "."), index + 1
            else:
                plain = text[index + 1 : index + 2] if char == "\\" else char
                self.literal += plain or "\\"
                item, index = re.escape(plain or "\\"), index + 1 + (char == "\\")
            self.items.append(item)

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        return self._compiled(self.items, longest=True).fullmatch(text) is not None

    def prefix(self, text: str, *, longest: bool) -> int:
        """The length of the shortest or longest prefix of a text that matches, 0 if there is none."""
        match = self._compiled(self.items, longest=longest).match(text)
        return match.end() if match is not None else 0

    def suffix(self, text: str, *, longest: bool) -> int:
        """The length of the shortest or longest suffix of a text that matches, 0 if there is none."""
        match = self._compiled(self.items[::-1], longest=longest).match(text[::-1])
        return match.end() if match is not None else 0

    def _compiled(self, items: list[str], *, longest: bool) -> re.Pattern[str]:
        """An expression in which every star takes as little as it can, but for the last one if ``longest``."""
        if len(items) > MAX_ITEMS:
            raise BudgetExceeded("the lab's limit of work for one search was reached")
        chunks = [""]
        for item in items:
            if item == STAR:
                chunks.append("")
            else:
                chunks[-1] += item
        first, *others = chunks
        stars = [
            ".*" if longest and place == len(others) else ".*?" for place in range(1, len(chunks))
        ]
        return re.compile(
            first
            + "".join(f"(?>{star}{chunk})" for star, chunk in zip(stars, others, strict=True)),
            self._flags,
        )


def read_set(text: str, index: int, *, regex: bool = False) -> tuple[str, int] | None:
    """Read a bracket expression behind its ``[``.

    Args:
        text: The pattern.
        index: Where it begins.
        regex: Whether it is one of a regular expression: a backslash is a member, and ``!`` negates nothing.

    Returns:
        The same for Python's ``re``, and the index behind ``]``; None if there is no ``]``.

    Raises:
        ValueError: A range of a regular expression ends before it begins.
    """
    negated = text[index : index + 1] in (("^",) if regex else ("!", "^"))
    index += negated
    start, out = index, ""
    while index < len(text) and (text[index] != "]" or index == start):
        piece = (_REGEX_PIECE if regex else _PIECE).match(text, index)
        if piece is None:
            return None
        index = piece.end()
        name, low, high = piece.groups()
        if name:
            out += CLASSES.get(name) or re.escape(piece[0])
        elif high is None:
            out += re.escape(low[-1])
        elif low[-1] <= high[-1]:
            out += f"{re.escape(low[-1])}-{re.escape(high[-1])}"
        elif regex:
            raise ValueError("Invalid range end")
    if index >= len(text):
        return None
    return f"[{'^' * negated}{out}]" if out else "." if negated else "(?!)", index + 1
