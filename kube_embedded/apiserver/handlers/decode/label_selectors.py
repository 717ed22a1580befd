"""Label selectors: ``app=web,tier!=db,env in (a,b),!old``.

Source: k8s.io/apimachinery ``pkg/labels``, which has the same grammar and errors.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kube_embedded.machinery.cache import cached
from kube_embedded.machinery.status import bad_request
from kube_embedded.machinery.work import charge

from ...registry.errors import MAX_CAUSES, printed_value
from ...registry.names import label_value, qualified_name

BINARY = ("in", "notin", "=", "==", "!=", "gt", "lt")
SYMBOLS = ("==", "!=", "=", "!", "(", ")", ",", ">", "<")
TOKEN = re.compile(r"==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+")
EQUALITY = ("=", "==", "!=", ">", "<")
INTEGER = re.compile("[-+]?[0-9]+")
END = ""


class SelectorError(ValueError):
    """The text is not a selector."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term.

    Args:
        key: The label.
        operator: ``=``, ``==``, ``!=``, ``in``, ``notin``, ``>``, ``<``, ``exists`` or ``!``.
        values: The values that the label is compared with.
    """

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels satisfy the term."""
        value = labels.get(self.key)
        if self.operator in ("=", "==", "in"):
            return value is not None and value in self.values
        # Negative terms match objects without the label, unlike SQL.
        if self.operator in ("!=", "notin"):
            return value is None or value not in self.values
        if self.operator == "exists":
            return value is not None
        if self.operator == "!":
            return value is None
        try:
            bound = int(next(iter(self.values)))
            return int(value or "") > bound if self.operator == ">" else int(value or "") < bound
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """A conjunction of terms."""

    requirements: tuple[Requirement, ...]

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels satisfy every term."""
        return all(requirement.matches(labels) for requirement in self.requirements)


@cached(256)
def parse_labels(text: str) -> LabelSelector:
    """Parse a label selector; 400 if it is invalid."""
    # The text can be a megabyte of terms.
    charge(3 * len(text))
    try:
        return LabelSelector(tuple(_Parser(text).selector()))
    except SelectorError as error:
        raise bad_request(str(error)) from error


def _unexpected(token: str, expected: str) -> SelectorError:
    return SelectorError(f"found '{token}', expected: {expected}")


class _Parser:
    """A parser by recursive descent, as in Go, whose errors depend on where each token is read."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = [*TOKEN.findall(text), END]
        self._next = 0

    def look(self) -> str:
        return self._tokens[self._next]

    def take(self) -> str:
        self._next += 1
        return self._tokens[self._next - 1]

    def word(self) -> str:
        token = self.take()
        if not is_word(token):
            raise _unexpected(token, "identifier")
        return token

    def selector(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        expected = "!, identifier, or 'end of string'"
        while requirements or self.look() != END:
            if not (is_word(self.look()) or self.look() == "!"):
                raise _unexpected(self.look(), expected)
            try:
                requirements.append(self.requirement())
            except SelectorError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from error
            token = self.take()
            if token == END:
                break
            if token != ",":
                raise _unexpected(token, "',' or 'end of string'")
            expected = "identifier after ','"
        # Go sorts by key, and checks the terms in that order.
        return sorted(requirements, key=lambda requirement: requirement.key)

    def requirement(self) -> Requirement:
        absent = self.look() == "!"
        if absent:
            self.take()
        key = self.word()
        problems = qualified_name(key)
        if problems:
            text = f"<nil>: Invalid value: {printed_value(key)}: {'; '.join(problems)}"
            raise SelectorError(text)
        if absent:
            return Requirement(key, "!")
        if self.look() in (END, ","):
            return Requirement(key, "exists")
        operator = self.take()
        if operator in ("in", "notin"):
            values = self.values()
        elif operator in EQUALITY:
            # "a=" has an empty value.
            values = {"" if self.look() in (END, ",") else self.word()}
        else:
            raise _unexpected(operator, ", ".join(BINARY))
        _check_values(key, operator, sorted(values))
        return Requirement(key, operator, frozenset(values))

    def values(self) -> set[str]:
        token = self.take()
        if token != "(":
            raise SelectorError(f"found '{token}' expected: '('")
        if self.look() == ")":
            self.take()
            return {""}
        if not (is_word(self.look()) or self.look() == ","):
            raise _unexpected(self.look(), "',', ')' or identifier")
        values: set[str] = set()
        # A comma without a value on one side means an empty value.
        while self.look() != ")":
            token = self.take()
            if is_word(token):
                values.add(token)
                if self.look() not in (")", ","):
                    raise _unexpected(self.look(), "',' or ')'")
            elif token == ",":
                if not values or self.look() in (")", ","):
                    values.add("")
            else:
                raise _unexpected(token, "',', or identifier")
        self.take()
        return values


def _check_values(key: str, operator: str, values: list[str]) -> None:
    problems = []
    for index, value in enumerate(values):
        if operator in "><" and not INTEGER.fullmatch(value):
            detail = "for 'Gt', 'Lt' operators, the value must be an integer"
            problems.append(f"values[{index}]: Invalid value: {printed_value(value)}: {detail}")
    for index, value in enumerate(values):
        wrong = label_value(value) if len(problems) < MAX_CAUSES else []
        if wrong:
            detail = f"Invalid value: {printed_value(value)}: {'; '.join(wrong)}"
            problems.append(f"values[{index}][{key}]: {detail}")
    if problems:
        raise SelectorError(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")


def is_word(token: str) -> bool:
    """Return whether a token is a key or a value, and not a symbol or the end."""
    return token != END and token not in SYMBOLS
