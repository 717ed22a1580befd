"""POSIX regular expressions, basic and extended: from a text to a tree."""

from __future__ import annotations

from dataclasses import dataclass, field

from labkit.embedded.container.shell.patterns import read_set

MAX_REPEAT = 255
MAX_GROUPS = 20
MAX_NESTING = 50


class RegexError(Exception):
    """The expression cannot be compiled; its text is the message of ``grep``."""


@dataclass(slots=True)
class Node:
    """A part of an expression: what it is, and what belongs to it."""

    kind: str  # char any set cat alt repeat group assert empty
    items: list[Node] = field(default_factory=list)
    char: str = ""
    members: str = ""
    low: int = 0
    high: int = -1
    number: int = 0


_SETS = {"w": r"\w", "W": r"\W", "s": r"\s", "S": r"\S"}
"""The sets of GNU's letters after a backslash."""


class Parser:
    """Reads an expression by recursive descent."""

    def __init__(self, text: str, *, extended: bool) -> None:
        self.text = text
        self.extended = extended
        self.index = 0
        self.groups = 0
        self.depth = 0

    def parse(self) -> Node:
        """The whole expression."""
        node = self.alternatives()
        if self.index < len(self.text):
            raise RegexError("Unmatched ) or \\)")
        return node

    def token(self) -> str:
        r"""The next operator or character, as an extended expression writes it: ``\\x`` is literal x."""
        text, index = self.text, self.index
        if index >= len(text):
            return ""
        char = text[index]
        if char == "\\":
            if index + 1 >= len(text):
                raise RegexError("Trailing backslash")
            following = text[index + 1]
            if not self.extended and following in "(){}|+?":
                return following
            return "\\" + following
        if not self.extended and char in "(){}|+?":
            return "\\" + char
        return char

    def advance(self) -> None:
        """Step over the token that is next."""
        self.index += 2 if self.text[self.index] == "\\" else 1

    def alternatives(self) -> Node:
        """Sequences joined by ``|``."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise RegexError("Regular expression too big")
        options = [self.sequence()]
        while self.token() == "|":
            self.advance()
            options.append(self.sequence())
        self.depth -= 1
        return options[0] if len(options) == 1 else Node("alt", options)

    def sequence(self) -> Node:
        """One thing after the other."""
        items: list[Node] = []
        while True:
            token = self.token()
            if token in ("", "|") or (token == ")" and (self.depth > 1 or not self.extended)):
                break
            if token == ")":
                self.advance()
                items.append(Node("char", char=")"))
                continue
            atom = self.atom(token, first=not items)
            items.append(self.repeats(atom))
        return items[0] if len(items) == 1 else Node("cat", items) if items else Node("empty")

    def repeats(self, atom: Node) -> Node:
        """A thing and how often it may stand."""
        while True:
            token = self.token()
            low, high = {"*": (0, -1), "+": (1, -1), "?": (0, 1)}.get(token, (-2, 0))
            if token == "{":
                bounds = self.bounds()
                if bounds is None:
                    return atom
                low, high = bounds
            elif low == -2:
                return atom
            else:
                self.advance()
            if atom.kind == "repeat" and atom.high == -1 and high == -1 and atom.low <= 1 and low <= 1:
                atom = Node("repeat", atom.items, low=min(atom.low, low), high=-1)
            else:
                atom = Node("repeat", [atom], low=low, high=high)

    def bounds(self) -> tuple[int, int] | None:
        """The numbers in ``{2,5}``."""
        closer = "}" if self.extended else "\\}"
        start = self.index + (1 if self.extended else 2)
        end = self.text.find(closer, start)
        body = self.text[start:end] if end >= 0 else ""
        low, comma, high = body.partition(",")
        if end < 0 or not all(char.isdigit() or char == "," for char in body) or not body or body.count(",") > 1:
            if self.extended:
                return None
            raise RegexError("Unmatched \\{" if end < 0 else "Invalid content of \\{\\}")
        if len(low) > 5 or len(high) > 5 or int(low or 0) > MAX_REPEAT or int(high or 0) > MAX_REPEAT:
            raise RegexError("Regular expression too big")
        self.index = end + len(closer)
        first = int(low or 0)
        last = (int(high) if high else -1) if comma else first
        if last != -1 and last < first:
            raise RegexError("Invalid content of \\{\\}")
        return first, last

    def atom(self, token: str, *, first: bool) -> Node:
        """A group, a set of characters, an anchor or a character."""
        if token == "(":
            self.advance()
            self.groups += 1
            number = self.groups
            if number > MAX_GROUPS:
                raise RegexError("Regular expression too big")
            inner = self.alternatives()
            if self.token() != ")":
                raise RegexError("Unmatched ( or \\(")
            self.advance()
            return Node("group", [inner], number=number)
        if token == "[":
            try:
                found = read_set(self.text, self.index + 1, regex=True)
            except ValueError as error:
                raise RegexError(str(error)) from None
            if found is None:
                alone = self.index + 1 >= len(self.text)
                raise RegexError("Invalid regular expression" if alone else "Unmatched [, [^, [:, [., or [=")
            self.index = found[1]
            return Node("set", members=found[0])
        self.advance()
        if token == ".":
            return Node("any")
        if token == "^" and (self.extended or first):
            return Node("assert", char="^")
        if token == "$" and (self.extended or self.token() in ("", ")", "|")):
            return Node("assert", char="$")
        if token in ("*", "+", "?"):
            if self.extended and not first:
                raise RegexError("Invalid preceding regular expression")
            return Node("char", char=token)
        if len(token) == 2:
            char = token[1]
            if char in "<>bB":
                return Node("assert", char=char)
            if char in _SETS:
                return Node("set", members=_SETS[char])
            if char.isdigit() and char != "0":
                raise RegexError("Invalid back reference")
            return Node("char", char=char)
        return Node("char", char=token)
