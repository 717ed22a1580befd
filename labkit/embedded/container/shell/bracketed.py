"""What stands in ``[[ … ]]``: from words to a condition."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.syntax import Condition
from labkit.embedded.container.shell.words import parse_word


class Unreadable(Exception):
    """tree-sitter's tree holds something that is no command.

    Args:
        offset: Where in the script, in bytes.
    """

    def __init__(self, offset: int) -> None:
        super().__init__(f"unreadable at {offset}")
        self.offset = offset


class ConditionReader:
    """Reads the words of ``[[ … ]]`` by precedence: ``||``, ``&&``, ``!``, then one test."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.index = 0

    def read(self, offset: int) -> Condition:
        """The whole condition.

        Raises:
            Unreadable: It is none.
        """
        try:
            condition = self._or()
        except IndexError:
            raise Unreadable(offset) from None
        if self.index < len(self.tokens):
            raise Unreadable(offset)
        return condition

    def _peek(self) -> str:
        return self.tokens[self.index] if self.index < len(self.tokens) else ""

    def _take(self) -> str:
        self.index += 1
        return self.tokens[self.index - 1]

    def _or(self) -> Condition:
        left = self._and()
        while self._peek() == "||":
            self._take()
            left = Condition("||", (left, self._and()))
        return left

    def _and(self) -> Condition:
        left = self._not()
        while self._peek() == "&&":
            self._take()
            left = Condition("&&", (left, self._not()))
        return left

    def _not(self) -> Condition:
        if self._peek() == "!":
            self._take()
            return Condition("!", (self._not(),))
        if self._peek() == "(":
            self._take()
            inner = self._or()
            if self._take() != ")":
                raise IndexError
            return inner
        first = self._take()
        if re.fullmatch(r"-[a-zA-Z]", first) and self._peek() not in ("", "&&", "||", ")"):
            return Condition(first, (parse_word(self._take()),))
        if self._peek() in ("", "&&", "||", ")"):
            return Condition("-n", (parse_word(first),))
        operator = self._take()
        return Condition(operator, (parse_word(first), parse_word(self._take())))
