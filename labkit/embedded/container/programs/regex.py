"""POSIX regular expressions in time proportional to text times pattern.

Python's ``re`` backtracks, so one pattern could hold the server for hours. Here the
states of the pattern advance side by side over the text (Thompson's construction, with
captures as in Pike's machine), and the longest of the leftmost matches wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from labkit.embedded.container.programs.regex_parser import Node, Parser, RegexError
from labkit.embedded.container.shell.scheduler import BudgetExceeded

MAX_PROGRAM = 3000
MAX_STEPS = 1_000_000
"""States visited in one search."""

STEPS_PER_CHARGE = 8
"""States visited for one step of a command's budget."""


@dataclass(frozen=True, slots=True)
class Match:
    """A match.

    Args:
        text: What was searched.
        spans: Start and end of the whole and of each group, -1 where a group took no part.
    """

    text: str
    spans: tuple[int, ...]

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.spans[0]

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.spans[1]

    def group(self, number: int) -> str:
        """The text of a group, empty if it took no part."""
        if 2 * number + 1 >= len(self.spans) or self.spans[2 * number] < 0 or self.spans[2 * number + 1] < 0:
            return ""
        return self.text[self.spans[2 * number] : self.spans[2 * number + 1]]


class Regex:
    """A compiled expression, basic or extended."""

    def __init__(self, pattern: str, *, extended: bool = False, fold: bool = False) -> None:
        parser = Parser(pattern, extended=extended)
        node = parser.parse()
        self.groups = parser.groups
        self.fold = fold
        self._code: list[tuple[str, object, object]] = []
        self._emit(node)
        self._add("match")
        self.literal = _literal(node)
        if fold:
            self.literal = self.literal.lower()
        self.steps = 0
        self._first, self._anchored = self._starts()

    def _add(self, kind: str, first: object = None, second: object = None) -> int:
        if len(self._code) >= MAX_PROGRAM:
            raise RegexError("Regular expression too big")
        self._code.append((kind, first, second))
        return len(self._code) - 1

    def _emit(self, node: Node) -> None:
        match node.kind:
            case "char":
                self._add("char", node.char.lower() if self.fold else node.char)
            case "set":
                self._add("set", re.compile(node.members, re.IGNORECASE if self.fold else 0))
            case "any":
                self._add("any")
            case "assert":
                self._add("assert", node.char)
            case "cat":
                for item in node.items:
                    self._emit(item)
            case "group":
                self._add("save", 2 * node.number)
                self._emit(node.items[0])
                self._add("save", 2 * node.number + 1)
            case "alt":
                jumps = []
                for item in node.items[:-1]:
                    split = self._add("split")
                    self._code[split] = ("split", split + 1, None)
                    self._emit(item)
                    jumps.append(self._add("jump"))
                    self._code[split] = ("split", split + 1, len(self._code))
                self._emit(node.items[-1])
                for jump in jumps:
                    self._code[jump] = ("jump", len(self._code), None)
            case "repeat":
                self._emit_repeat(node)

    def _emit_repeat(self, node: Node) -> None:
        for _ in range(node.low):
            self._emit(node.items[0])
        splits = []
        for _ in range(node.high - node.low if node.high != -1 else 1):
            splits.append(self._add("split"))
            self._emit(node.items[0])
        if node.high == -1:
            self._add("jump", splits[0])
        for split in splits:
            self._code[split] = ("split", split + 1, len(self._code))

    def find(self, charge: Callable[[float], None], text: str, start: int = 0) -> Match | None:
        """The leftmost match at or after an index, for which ``charge`` takes the steps it cost."""
        try:
            return self.search(text, start)
        finally:
            charge(0.1 + self.steps / STEPS_PER_CHARGE)

    def search(self, text: str, start: int = 0) -> Match | None:
        """The leftmost match at or after an index; ``BudgetExceeded`` if it takes too many steps."""
        self.steps = 0
        subject = text.lower() if self.fold else text
        if self.literal and subject.find(self.literal, start) < 0:
            return None
        code = self._code
        best: tuple[int, ...] | None = None
        threads: list[tuple[int, tuple[int, ...]]] = []
        empty = (-1,) * (2 * self.groups + 2)
        position = start
        while position <= len(text):
            if not threads:
                if best is not None or (self._anchored and position > 0):
                    break
                if self._first is not None:
                    found = self._first.search(subject, position)
                    if found is None:
                        break
                    position = found.start()
            seen: set[int] = set()
            now: list[tuple[int, tuple[int, ...]]] = []
            for state, saved in threads:
                self._follow(state, saved, position, subject, seen, now)
            if best is None:
                self._follow(0, (position, *empty[1:]), position, subject, seen, now)
            self.steps += 1 + len(seen)
            if self.steps > MAX_STEPS:
                raise BudgetExceeded("the lab's limit of work for one search was reached")
            threads = []
            char = subject[position] if position < len(text) else ""
            for state, saved in now:
                kind, first, _ = code[state]
                if kind == "match":
                    if best is None or saved[0] <= best[0]:
                        best = (saved[0], position, *saved[2:])
                    continue
                if best is not None and saved[0] > best[0]:
                    continue
                if char and (
                    (kind == "any" and char != "\n")
                    or (kind == "char" and first == char)
                    or (kind == "set" and isinstance(first, re.Pattern) and first.match(text[position]))
                ):
                    threads.append((state + 1, saved))
            position += 1
        return Match(text, best) if best is not None else None

    def _starts(self) -> tuple[re.Pattern[str] | None, bool]:
        """With which characters a match can begin (None for any), and whether only at the text's start."""
        code = self._code
        first: set[str] = set()
        stack, seen = [0], set[int]()
        anchored = code[0][:2] == ("assert", "^")
        while stack:
            state = stack.pop()
            if state in seen:
                continue
            seen.add(state)
            kind, one, other = code[state]
            if kind == "char":
                first.add(str(one))
            elif kind in ("save", "assert"):
                stack.append(state + 1)
            elif kind in ("jump", "split"):
                stack.extend(target for target in (one, other) if isinstance(target, int))
            else:
                return None, anchored
        return re.compile("[" + "".join(re.escape(char) for char in first) + "]"), anchored

    def _follow(
        self,
        state: int,
        saved: tuple[int, ...],
        position: int,
        text: str,
        seen: set[int],
        out: list[tuple[int, tuple[int, ...]]],
    ) -> None:
        """Add a state, and those reached from it without reading, in order of preference."""
        code = self._code
        stack = [(state, saved)]
        while stack:
            state, saved = stack.pop()
            if state in seen:
                continue
            seen.add(state)
            kind, first, second = code[state]
            if kind == "jump" and isinstance(first, int):
                stack.append((first, saved))
            elif kind == "split" and isinstance(first, int) and isinstance(second, int):
                stack.append((second, saved))
                stack.append((first, saved))
            elif kind == "save" and isinstance(first, int):
                stack.append((state + 1, (*saved[:first], position, *saved[first + 1 :])))
            elif kind == "assert":
                if _holds(str(first), text, position):
                    stack.append((state + 1, saved))
            else:
                out.append((state, saved))


def _holds(kind: str, text: str, position: int) -> bool:
    if kind == "^":
        return position == 0
    if kind == "$":
        return position == len(text)
    before = position > 0 and (text[position - 1].isalnum() or text[position - 1] == "_")
    after = position < len(text) and (text[position].isalnum() or text[position] == "_")
    return {"<": after and not before, ">": before and not after, "b": before != after, "B": before == after}[kind]


def _literal(node: Node) -> str:
    """A text that every match holds, to pass over most lines quickly."""
    if node.kind == "char":
        return node.char
    if node.kind == "group" or (node.kind == "repeat" and node.low > 0):
        return _literal(node.items[0])
    if node.kind != "cat":
        return ""
    best = run = ""
    for item in node.items:
        if item.kind == "char":
            run += item.char
            continue
        best = max(best, run, _literal(item), key=len)
        run = ""
    return max(best, run, key=len)


@lru_cache(maxsize=128)
def compile_regex(pattern: str, *, extended: bool = False, fold: bool = False) -> Regex:
    """Compile an expression; ``RegexError`` if it cannot be compiled."""
    return Regex(pattern, extended=extended, fold=fold)


def escape(text: str) -> str:
    """A text as a basic expression that matches it alone (``grep -F``)."""
    return "".join("\\" + char if char in "\\.[]*^$" else char for char in text)
