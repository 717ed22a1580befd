"""Label selectors: ``app=web,tier!=db,env in (a,b),!old``.

Source: k8s.io/apimachinery ``pkg/labels``, which has the same grammar and errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from labkit.embedded.apiserver.registry.errors import MAX_CAUSES, printed_value
from labkit.embedded.apiserver.registry.names import label_value, qualified_name
from labkit.embedded.machinery.cache import cached
from labkit.embedded.machinery.status import bad_request
from labkit.embedded.machinery.work import charge

BINARY = ("in", "notin", "=", "==", "!=", "gt", "lt")
SYMBOLS = ("==", "!=", "=", "!", "(", ")", ",", ">", "<")
TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+)?")
EQUALITY = {"=", "==", "!=", ">", "<"}
END = ""


class SelectorError(ValueError):
    """The text is not a selector."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term.

    Args:
        key: The label.
        operator: ``=``, ``==``, ``!=``, ``in``, ``notin``, ``>``, ``<``, ``exists`` or ``!``.
        values: What it is compared with.
    """

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels satisfy the term."""
        value = labels.get(self.key)
        if self.operator in ("=", "==", "in"):
            return value is not None and value in self.values
        if self.operator in ("!=", "notin"):
            return value is None or value not in self.values
        if self.operator == "exists":
            return value is not None
        if self.operator == "!":
            return value is None
        return value is not None and self._compares(value)

    def _compares(self, value: str) -> bool:
        try:
            number, bound = int(value), int(next(iter(self.values)))
        except ValueError:
            return False
        return number > bound if self.operator == ">" else number < bound


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """A conjunction of terms."""

    requirements: tuple[Requirement, ...]

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels satisfy every term."""
        return all(requirement.matches(labels) for requirement in self.requirements)


@cached(256)
def parse_labels(text: str) -> LabelSelector:
    """Parse a label selector; 400 if it is invalid."""
    charge(3 * len(text))
    try:
        return LabelSelector(tuple(_Parser(text).selector()))
    except SelectorError as error:
        raise bad_request(str(error)) from error


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while True:
            found = TOKEN.match(text, at)
            assert found is not None
            at = found.end()
            if found[1] is None:
                break
            self.tokens.append(found[1])
        self.tokens.append(END)
        self.at = 0

    def look(self) -> str:
        return self.tokens[self.at]

    def take(self) -> str:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def selector(self) -> list[Requirement]:
        found: list[Requirement] = []
        while True:
            token = self.look()
            if token == END:
                break
            if not (is_word(token) or token == "!"):
                raise SelectorError(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                found.append(self.requirement())
            except SelectorError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from error
            token = self.take()
            if token == END:
                break
            if token != ",":
                raise SelectorError(f"found '{token}', expected: ',' or 'end of string'")
            after = self.look()
            if not (is_word(after) or after == "!"):
                raise SelectorError(f"found '{after}', expected: identifier after ','")
        return sorted(found, key=lambda requirement: requirement.key)

    def requirement(self) -> Requirement:
        token = self.take()
        absent = token == "!"
        if absent:
            token = self.take()
        if not is_word(token):
            raise SelectorError(f"found '{token}', expected: identifier")
        key = token
        problems = qualified_name(key)
        if problems:
            raise SelectorError(
                f"<nil>: Invalid value: {printed_value(key)}: {'; '.join(problems)}"
            )
        if absent:
            return Requirement(key, "!")
        if self.look() in (END, ","):
            return Requirement(key, "exists")
        operator = self.take()
        if operator in ("in", "notin"):
            values = self.values()
        elif operator in EQUALITY:
            values = {self.exact_value()}
        else:
            raise SelectorError(f"found '{operator}', expected: {', '.join(BINARY)}")
        return self.checked(key, operator, sorted(values))

    def checked(self, key: str, operator: str, values: list[str]) -> Requirement:
        problems = []
        if operator in "><":
            problems += [
                f"values[{place}]: Invalid value: {printed_value(value)}: "
                "for 'Gt', 'Lt' operators, the value must be an integer"
                for place, value in enumerate(values)
                if not re.fullmatch("[-+]?[0-9]+", value)
            ]
        for place, value in enumerate(values):
            if len(problems) >= MAX_CAUSES:
                break
            wrong = label_value(value)
            if wrong:
                problems.append(
                    f"values[{place}][{key}]: Invalid value: {printed_value(value)}: {'; '.join(wrong)}"
                )
        if problems:
            raise SelectorError(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")
        return Requirement(key, operator, frozenset(values))

    def values(self) -> set[str]:
        token = self.take()
        if token != "(":
            raise SelectorError(f"found '{token}' expected: '('")
        token = self.look()
        if token == ")":
            self.take()
            return {""}
        if not (is_word(token) or token == ","):
            raise SelectorError(f"found '{token}', expected: ',', ')' or identifier")
        found = self.identifiers()
        if self.take() != ")":
            raise SelectorError(f"found '{token}', expected: ')'")
        return found

    def identifiers(self) -> set[str]:
        found: set[str] = set()
        while True:
            token = self.take()
            if is_word(token):
                found.add(token)
                after = self.look()
                if after == ")":
                    return found
                if after != ",":
                    raise SelectorError(f"found '{after}', expected: ',' or ')'")
            elif token == ",":
                if not found:
                    found.add("")
                after = self.look()
                if after == ")":
                    found.add("")
                    return found
                if after == ",":
                    found.add("")
            else:
                raise SelectorError(f"found '{token}', expected: ',', or identifier")

    def exact_value(self) -> str:
        token = self.look()
        if token in (END, ","):
            return ""
        self.take()
        if not is_word(token):
            raise SelectorError(f"found '{token}', expected: identifier")
        return token


def is_word(token: str) -> bool:
    """Whether a token is a key or a value, and not a symbol or the end."""
    return token != END and token not in SYMBOLS
