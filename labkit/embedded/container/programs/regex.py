"""POSIX regular expressions, basic and extended, matched by the library ``regex``.

Its POSIX mode finds the longest of the leftmost matches, but it backtracks. A search runs in the server's
event loop, so its time is limited, and so are the sizes of patterns and texts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import regex

from labkit.embedded.container.shell.patterns import read_set
from labkit.embedded.container.shell.task_loop import BudgetExceeded

MAX_SIZE = 3000
"""Characters and sets of a pattern, each as often as ``{n,m}`` repeats it: compiling takes about 0.1 s."""

MAX_REPEAT = 255
MAX_GROUPS = 20
MAX_TEXT = 1 << 17
MAX_SECONDS = 0.05
"""Processor time of one search."""

STEPS_PER_SECOND = 100_000
"""How many steps of a command's budget a second of searching costs."""

Match = regex.Match[str]

MAX_LITERAL = 256
"""Characters of one plain text: the library prepares to search for it in time that grows with their cube."""

_ALWAYS_TRUE = r"(?!.\A)"
"""An assertion that ends a plain text."""

_ASSERTIONS = {"<": r"\m", ">": r"\M", "b": r"\b", "B": r"\B"}
_QUANTIFIERS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_BOUNDS = re.compile(r"(\d*)(,?)(\d*)")


class RegexError(Exception):
    """The expression cannot be compiled; its text is the message of ``grep``."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one item of a pattern is in the library's syntax, and its size."""

    text: str
    size: int


class _Translator:
    """Reads a pattern token by token."""

    def __init__(self, pattern: str, *, extended: bool) -> None:
        self.pattern = pattern
        self.extended = extended
        self.index = 0
        self.groups = 0
        self.size = 0
        self.levels: list[list[_Piece]] = [[]]
        """The items of the groups that are open, the outermost first."""

    def translate(self) -> str:
        """The whole pattern in the library's syntax."""
        while token := self.token():
            self.index += 2 if self.pattern[self.index] == "\\" else 1
            items = self.levels[-1]
            first = not items or items[-1].text == "|"
            if token == "(":
                self.groups += 1
                self.levels.append([])
            elif token == ")" and (len(self.levels) > 1 or not self.extended):
                self.close()
            elif token == "|":
                self.add("|", 4)  # the library compares alternatives with each other
            elif not first and (bounds := self.bounds(token)):
                self.repeat(*bounds)
            else:
                self.add(self.atom(token, first=first))
            if self.groups > MAX_GROUPS or self.size > MAX_SIZE:
                raise RegexError("Regular expression too big")
        if len(self.levels) > 1:
            raise RegexError("Unmatched ( or \\(")
        return "".join(item.text for item in self.levels[0])

    def token(self) -> str:
        r"""The next operator or character, as an extended expression writes it: ``\(`` is a literal parenthesis."""
        token = self.pattern[self.index : self.index + 1]
        if token == "\\":
            token = self.pattern[self.index : self.index + 2]
            if len(token) == 1:
                raise RegexError("Trailing backslash")
        if token and not self.extended and token[-1] in "(){}|+?":
            return token[1:] or "\\" + token
        return token

    def add(self, text: str, size: int = 1) -> None:
        """Add an item to the innermost group."""
        items = self.levels[-1]
        if len(items) % MAX_LITERAL == MAX_LITERAL - 1:
            text = _ALWAYS_TRUE + text
        items.append(_Piece(text, size + len(text) // 32))
        self.size += items[-1].size

    def close(self) -> None:
        """End the innermost group."""
        if len(self.levels) == 1:
            raise RegexError("Unmatched ) or \\)")
        inner = self.levels.pop()
        size = sum(item.size for item in inner)
        self.size -= size
        self.add(f"({''.join(item.text for item in inner)})", size + 1)

    def repeat(self, low: int, high: int | None) -> None:
        """Let the last item stand several times."""
        item = self.levels[-1].pop()
        self.size -= item.size
        bounds = f"{{{low},{'' if high is None else high}}}"
        self.add(f"(?:{item.text}){bounds}", 1 + item.size * (low + 1 if high is None else high))

    def bounds(self, token: str) -> tuple[int, int | None] | None:
        """How often the item before a token may stand, None if the token says nothing of that."""
        if token != "{":
            return _QUANTIFIERS.get(token)
        closer = "}" if self.extended else "\\}"
        end = self.pattern.find(closer, self.index)
        bounds = _BOUNDS.fullmatch(self.pattern[self.index : end]) if end > self.index else None
        if bounds is None:
            if self.extended:
                return None
            raise RegexError("Unmatched \\{" if end < 0 else "Invalid content of \\{\\}")
        if any(len(number) > 5 or int(number or 0) > MAX_REPEAT for number in bounds.group(1, 3)):
            raise RegexError("Regular expression too big")
        self.index = end + len(closer)
        low = int(bounds[1] or 0)
        high = (int(bounds[3]) if bounds[3] else None) if bounds[2] else low
        if high is not None and high < low:
            raise RegexError("Invalid content of \\{\\}")
        return low, high

    def atom(self, token: str, *, first: bool) -> str:
        """A set of characters, an anchor or a character, in the library's syntax."""
        if token == "[":
            try:
                bracket = read_set(self.pattern, self.index, regex=True)
            except ValueError as error:
                raise RegexError(str(error)) from None
            if bracket is None:
                alone = self.index >= len(self.pattern)
                raise RegexError(
                    "Invalid regular expression" if alone else "Unmatched [, [^, [:, [., or [="
                )
            self.index = bracket[1]
            return bracket[0]
        if token == ".":
            return token
        if token == "^" and (self.extended or first):
            return r"\A"
        if token == "$" and (self.extended or self.token() in ("", ")", "|")):
            return r"\Z"
        char = token[-1]
        if len(token) == 2:
            if char in _ASSERTIONS:
                return _ASSERTIONS[char]
            if char in "wWsS":
                return token
            if char.isdigit() and char != "0":
                raise RegexError("Invalid back reference")
        return re.escape(char)


class Regex:
    """A compiled expression, basic or extended."""

    def __init__(self, pattern: str, *, extended: bool = False, fold: bool = False) -> None:
        translated = _Translator(pattern, extended=extended).translate()
        try:
            self._compiled = regex.compile(
                translated, regex.POSIX | (regex.IGNORECASE if fold else 0)
            )
        except RecursionError:
            raise RegexError("Regular expression too big") from None
        self.groups = self._compiled.groups

    def find(self, charge: Callable[[float], None], text: str, start: int = 0) -> Match | None:
        """The leftmost match at or after an index, for which ``charge`` takes the steps it cost."""
        began = time.process_time()
        try:
            return self.search(text, start)
        finally:
            charge(0.1 + (time.process_time() - began) * STEPS_PER_SECOND)

    def search(self, text: str, start: int = 0) -> Match | None:
        """The leftmost match at or after an index; ``BudgetExceeded`` if it would take too long."""
        try:
            if len(text) <= MAX_TEXT:
                return self._compiled.search(text, start, timeout=MAX_SECONDS)
        except TimeoutError:
            pass
        raise BudgetExceeded("the lab's limit of work for one search was reached")


@lru_cache(maxsize=128)
def compile_regex(pattern: str, *, extended: bool = False, fold: bool = False) -> Regex:
    """Compile an expression; ``RegexError`` if it cannot be compiled."""
    return Regex(pattern, extended=extended, fold=fold)


def escape(text: str) -> str:
    """A text as a basic expression that matches it alone (``grep -F``)."""
    return "".join("\\" + char if char in "\\.[]*^$" else char for char in text)
