"""POSIX regular expressions, basic and extended, matched by the library ``regex``.

Its POSIX mode finds the longest of the leftmost matches, but it backtracks. A search runs in the server's
event loop, so its time is limited, and so are the sizes of patterns and texts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from kube_embedded.machinery import libraries

from ..shell.patterns import member_ranges
from ..shell.task_loop import BudgetExceeded
from .registry import NOT_SIMULATED

if TYPE_CHECKING or libraries.REGEX:
    import regex

MAX_SIZE = 3000
"""Characters and sets of a pattern, each as often as ``{n,m}`` repeats it: compiling takes about 0.1 s."""

MAX_REPEAT = 255
MAX_GROUPS = 20
MAX_TEXT = 1 << 17
MAX_SECONDS = 0.05
"""Processor time of one search."""

STEPS_PER_SECOND = 100_000
"""How many steps of a command's budget a second of searching costs."""

Match: TypeAlias = "regex.Match[str]"

MAX_LITERAL = 256
"""Characters of one plain text: the library prepares to search for it in time that grows with their cube."""

_ALWAYS_TRUE = r"(?!.\A)"
"""An assertion that ends a plain text."""

_ASSERTIONS = {"<": r"\m", ">": r"\M", "b": r"\b", "B": r"\B"}
_QUANTIFIERS = {"*": (0, None), "+": (1, None), "?": (0, 1)}

_SET = r"\[(?P<negated>\^?)(?P<set>\]?(?:\[:\w+:\]|[^]])*)\]"
_BOUNDS = r"(?P<low>\d*)(?P<comma>,?)(?P<high>\d*)"
_PLAIN = r"\\(?P<escaped>.)|(?P<plain>.)"
_EXTENDED = re.compile(rf"{_SET}|\{{{_BOUNDS}\}}|(?P<operator>[()|*+?^$.])|{_PLAIN}", re.DOTALL)
_BASIC = re.compile(
    rf"{_SET}|\\\{{{_BOUNDS}\\\}}|(?P<operator>[*^$.]|\\[()|+?])|{_PLAIN}", re.DOTALL
)
"""The tokens of both syntaxes; a basic expression has a backslash in front of most operators."""


class RegexError(Exception):
    """The expression cannot be compiled; its text is the message of ``grep``."""


class _Translator:
    """Reads a pattern token by token, and writes it in the library's syntax."""

    def __init__(self, pattern: str, *, extended: bool) -> None:
        self.pattern = pattern
        self.extended = extended
        self.groups = self.depth = self.size = 0
        self.atoms: list[str] = []

    def translate(self) -> str:
        """Return the whole pattern in the library's syntax."""
        for match in (_EXTENDED if self.extended else _BASIC).finditer(self.pattern):
            last = self.atoms[-1] if self.atoms else "|"
            first = last in ("(", "|")
            operator = (match["operator"] or "")[-1:]
            bounds = _QUANTIFIERS.get(operator)
            if match["comma"] is not None:
                bounds = self.bounds(match)
            if operator == "(":
                self.groups += 1
                self.depth += 1
                self.atoms.append("(")
            elif operator == ")" and (self.depth or not self.extended):
                if not self.depth:
                    raise RegexError("Unmatched ) or \\)")
                self.depth -= 1
                self.atoms.append(")")
            elif operator == "|":
                self.atoms.append("|")
                self.size += 3  # the library compares alternatives with each other
            elif bounds is not None and not first:
                self.repeat(last, *bounds)
            else:
                atom = self.atom(match, operator, first=first)
                self.size += len(atom) // 32
                if len(self.atoms) % MAX_LITERAL == MAX_LITERAL - 1:
                    atom = f"(?:{_ALWAYS_TRUE}{atom})"
                self.atoms.append(atom)
            self.size += 1
            if self.groups > MAX_GROUPS or self.size > MAX_SIZE:
                raise RegexError("Regular expression too big")
        if self.depth:
            raise RegexError("Unmatched ( or \\(")
        return "".join(self.atoms)

    def repeat(self, last: str, low: int, high: int | None) -> None:
        """Let the last item be repeated."""
        if last == ")" and (low, high) not in _QUANTIFIERS.values():
            # Counts within counts would multiply, and the library compiles each repetition.
            raise RegexError(f"{{n,m}} behind a group{NOT_SIMULATED}")
        if last[0] == "{":
            # `a*?` and `a+*` mean `a*`: POSIX has no lazy quantifiers.
            bounds = {last, f"{{{low},{'' if high is None else high}}}"}
            if not bounds <= {"{0,}", "{1,}", "{0,1}"}:
                raise RegexError(f"{{n,m}} of a repetition{NOT_SIMULATED}")
            self.atoms[-1] = last if len(bounds) == 1 else "{0,}"
            return
        if last in (r"\A", r"\Z", *_ASSERTIONS.values()):
            self.atoms[-1] = f"(?:{last})"
        self.size += low if high is None else high
        self.atoms.append(f"{{{low},{'' if high is None else high}}}")

    def bounds(self, match: re.Match[str]) -> tuple[int, int | None]:
        """Return the least and greatest count of ``{n,m}``."""
        if any(
            len(number) > 5 or int(number or 0) > MAX_REPEAT
            for number in match.group("low", "high")
        ):
            raise RegexError("Regular expression too big")
        low = int(match["low"] or 0)
        high = int(match["high"]) if match["high"] else None
        if not match["comma"]:
            high = low
        if high is not None and high < low:
            raise RegexError("Invalid content of \\{\\}")
        return low, high

    def atom(self, match: re.Match[str], operator: str, *, first: bool) -> str:
        """Return a set of characters, an anchor or a character in the library's syntax."""
        if match["set"] is not None:
            try:
                # A backslash in a set is a member like any other.
                ranges = member_ranges(match["set"].replace("\\", "\\\\"), strict=True)
            except ValueError as error:
                raise RegexError(str(error)) from None
            return f"[{match['negated']}{ranges}]"
        if operator == ".":
            return "."
        if operator == "^" and (self.extended or first):
            return r"\A"
        rest = self.pattern[match.end() :]
        if operator == "$" and (self.extended or not rest or rest.startswith(("\\)", "\\|"))):
            return r"\Z"
        escaped = match["escaped"] or ""
        if escaped == "{" and not self.extended:
            raise RegexError("Unmatched \\{")
        if escaped in _ASSERTIONS:
            return _ASSERTIONS[escaped]
        if escaped and escaped in "wWsS":
            return match[0]
        if escaped.isdigit() and escaped != "0":
            raise RegexError("Invalid back reference")
        if match["plain"] == "[":
            raise RegexError(
                "Unmatched [, [^, [:, [., or [=" if rest else "Invalid regular expression"
            )
        if match["plain"] == "\\":
            raise RegexError("Trailing backslash")
        return re.escape(escaped or match[0])


class Regex:
    """A compiled expression, basic or extended."""

    def __init__(self, pattern: str, *, extended: bool = False, fold: bool = False) -> None:
        if not libraries.REGEX:
            raise RegexError(libraries.missing("regex"))
        translated = _Translator(pattern, extended=extended).translate()
        try:
            self._compiled = regex.compile(
                translated, regex.POSIX | (regex.IGNORECASE if fold else 0)
            )
        except RecursionError:
            raise RegexError("Regular expression too big") from None
        self.groups = self._compiled.groups

    def find(self, charge: Callable[[float], None], text: str, start: int = 0) -> Match | None:
        """Return the leftmost match at or after an index, and ``charge`` the steps of the search."""
        began = time.process_time()
        try:
            return self.search(text, start)
        finally:
            charge(0.1 + (time.process_time() - began) * STEPS_PER_SECOND)

    def matches(self, charge: Callable[[float], None], text: str) -> Iterator[Match]:
        """Yield the matches from left to right; behind an empty one, the search goes on with the next character."""
        start = 0
        while start <= len(text):
            match = self.find(charge, text, start)
            if match is None:
                return
            yield match
            start = max(match.end(), match.start() + 1)

    def search(self, text: str, start: int = 0) -> Match | None:
        """Return the leftmost match at or after an index; ``BudgetExceeded`` if the search is too long."""
        try:
            if len(text) <= MAX_TEXT:
                return self._compiled.search(text, start, timeout=MAX_SECONDS)
        except TimeoutError:
            # The library looks at the clock while it backtracks.
            pass
        raise BudgetExceeded("the lab's limit of work for one search was reached")


@lru_cache(maxsize=128)
def compile_regex(pattern: str, *, extended: bool = False, fold: bool = False) -> Regex:
    """Compile an expression; ``RegexError`` if it cannot be compiled."""
    return Regex(pattern, extended=extended, fold=fold)


def escape(text: str) -> str:
    """A text as a basic expression that matches it alone (``grep -F``)."""
    return "".join("\\" + char if char in "\\.[]*^$" else char for char in text)
