"""Shell patterns (``*``, ``?``, ``[…]``), matched without backtracking bombs.

A match costs at most length of the text times length of the pattern.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

CLASSES: dict[str, Callable[[str], bool]] = {
    "alpha": str.isalpha,
    "digit": str.isdigit,
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "blank": lambda char: char in " \t",
    "punct": lambda char: char.isascii() and char.isprintable() and not char.isalnum() and char != " ",
    "print": str.isprintable,
    "graph": lambda char: char.isprintable() and char != " ",
    "cntrl": lambda char: ord(char) < 32 or ord(char) == 127,
    "xdigit": lambda char: char in "0123456789abcdefABCDEF",
}


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """``[…]``: single characters, ranges and named classes, perhaps negated."""

    singles: frozenset[str]
    ranges: tuple[tuple[str, str], ...]
    classes: tuple[str, ...]
    negated: bool

    def __contains__(self, char: str) -> bool:
        inside = (
            char in self.singles
            or any(low <= char <= high for low, high in self.ranges)
            or any(CLASSES[name](char) for name in self.classes)
        )
        return inside != self.negated


@dataclass(frozen=True, slots=True)
class Star:
    """``*``."""


@dataclass(frozen=True, slots=True)
class AnyCharacter:
    """``?``."""


Item = str | CharacterSet | Star | AnyCharacter


class Pattern:
    """A compiled pattern.

    Args:
        segments: Texts and whether each was quoted (then it stands for itself).
        fold: Ignore case.
    """

    def __init__(self, segments: list[tuple[str, bool]], *, fold: bool = False) -> None:
        self.fold = fold
        self.items: list[Item] = []
        chars = [(char, quoted) for text, quoted in segments for char in text]
        index = 0
        while index < len(chars):
            char, quoted = chars[index]
            index += 1
            if quoted or char not in "*?[\\":
                self.items.append(char.lower() if fold else char)
            elif char == "\\":
                if index < len(chars):
                    self.items.append(chars[index][0])
                    index += 1
                else:
                    self.items.append("\\")
            elif char == "*":
                if not (self.items and isinstance(self.items[-1], Star)):
                    self.items.append(Star())
            elif char == "?":
                self.items.append(AnyCharacter())
            else:
                found = read_set(chars, index)
                if found is None:
                    self.items.append("[")
                else:
                    item, index = found
                    self.items.append(item)

    @property
    def magic(self) -> bool:
        """Whether it is more than plain characters."""
        return any(not isinstance(item, str) for item in self.items)

    @property
    def literal(self) -> str:
        """The characters of a pattern that has no magic."""
        return "".join(item for item in self.items if isinstance(item, str))

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        if self.fold:
            text = text.lower()
        items = self.items
        position = index = 0
        star = -1
        mark = 0
        while position < len(text):
            if index < len(items) and isinstance(items[index], Star):
                star, mark = index, position
                index += 1
            elif index < len(items) and _one(items[index], text[position]):
                position += 1
                index += 1
            elif star >= 0:
                mark += 1
                position, index = mark, star + 1
            else:
                return False
        return all(isinstance(item, Star) for item in items[index:])

    def prefix_lengths(self, text: str) -> list[int]:
        """The lengths of every prefix of the text that matches, shortest first."""
        if self.fold:
            text = text.lower()
        items = self.items
        states = {0}
        out: list[int] = []

        def closure(states: set[int]) -> set[int]:
            todo = list(states)
            while todo:
                state = todo.pop()
                if state < len(items) and isinstance(items[state], Star) and state + 1 not in states:
                    states.add(state + 1)
                    todo.append(state + 1)
            return states

        states = closure(states)
        if len(items) in states:
            out.append(0)
        for position, char in enumerate(text):
            following: set[int] = set()
            for state in states:
                if state < len(items):
                    item = items[state]
                    if isinstance(item, Star):
                        following.add(state)
                    elif _one(item, char):
                        following.add(state + 1)
            states = closure(following)
            if not states:
                break
            if len(items) in states:
                out.append(position + 1)
        return out

    def reversed(self) -> Pattern:
        """The pattern that matches reversed texts, for suffixes."""
        other = Pattern([], fold=self.fold)
        other.items = self.items[::-1]
        return other


def _one(item: Item, char: str) -> bool:
    if isinstance(item, str):
        return item == char
    if isinstance(item, CharacterSet):
        return char in item
    return isinstance(item, AnyCharacter)


def read_set(chars: list[tuple[str, bool]], index: int) -> tuple[CharacterSet, int] | None:
    """Read a bracket expression behind its ``[``.

    Returns:
        The set and the index behind ``]``, or None if there is no ``]``.
    """
    negated = index < len(chars) and chars[index] in (("!", False), ("^", False))
    if negated:
        index += 1
    singles: set[str] = set()
    ranges: list[tuple[str, str]] = []
    classes: list[str] = []
    first = True
    while index < len(chars):
        char, quoted = chars[index]
        if char == "]" and not quoted and not first:
            return CharacterSet(frozenset(singles), tuple(ranges), tuple(classes), negated), index + 1
        first = False
        if char == "[" and not quoted and index + 1 < len(chars) and chars[index + 1][0] == ":":
            text = "".join(item for item, _ in chars[index + 2 : index + 12])
            name, closed, _ = text.partition(":]")
            if closed and name in CLASSES:
                classes.append(name)
                index += 4 + len(name)
                continue
        if char == "\\" and not quoted and index + 1 < len(chars):
            index += 1
            char = chars[index][0]
        after = chars[index + 1 : index + 3]
        if len(after) == 2 and after[0][0] == "-" and after[1][0] != "]":
            ranges.append((char, after[1][0]))
            index += 3
        else:
            singles.add(char)
            index += 1
    return None


def glob_pattern(text: str, *, fold: bool = False) -> Pattern:
    """The pattern of a text in which nothing is quoted (``find -name``)."""
    return Pattern([(text, False)], fold=fold)
