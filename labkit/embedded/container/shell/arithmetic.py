"""``$((…))``: integers of 64 bits, with the arithmetic, comparing and logical operators of bash and dash."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F]+|\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<omitted><<=?|>>=?|[-+*/%&|^]=|&(?!&)|\|(?!\|)|=(?!=)|[~^?:])"
    r"|(?P<op><=|>=|==|!=|&&|\|\||[-+*/%!<>()]))"
)
_BASH_OMITTED = re.compile(r"\*\*|\+\+|--|,|\d+#")
"""Operators that only bash has."""

_LEVELS = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6
}  # fmt: skip
_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "||": lambda left, right: bool(left or right), "&&": lambda left, right: bool(left and right), "==": operator.eq,
    "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "+": operator.add,
    "-": operator.sub, "*": operator.mul,
}  # fmt: skip
"""Operators that cannot raise."""

MAX_DEPTH = 40
MAX_LENGTH = 4096


class ArithmeticProblem(Exception):
    """The expression cannot be evaluated; its text is the message of bash, with the expression in front."""


def wrap(value: int) -> int:
    """Cut an integer to 64 bits with sign."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def evaluate(text: str, get: Callable[[str], str], *, bash: bool = False) -> int:
    """Evaluate an expression whose ``$`` are expanded.

    Args:
        text: The expression.
        get: Returns a variable's value, empty if unset.
        bash: Whether bash's own operators (``++ -- ** ,``) are reported as left out.

    Returns:
        A signed 64-bit integer, 0 for an empty expression.

    Raises:
        ArithmeticProblem: The expression is malformed, uses what is left out, or divides by zero.
    """
    if len(text) > MAX_LENGTH:
        raise ArithmeticProblem("expression too long")
    if bash and (omitted := _BASH_OMITTED.search(text)):
        raise _left_out(omitted[0])
    return _Parser(text, get).whole()


def _left_out(what: str) -> ArithmeticProblem:
    return ArithmeticProblem(f"$((… {what} …)): not simulated in this lab's pods")


class _Parser:
    def __init__(self, text: str, get: Callable[[str], str]) -> None:
        self.text = text
        self.get = get
        self.nesting = 0
        self.skipping = 0
        self.index = 0
        self.tokens: list[tuple[str, str, int]] = []
        index, end = 0, len(text.rstrip())
        while index < end:
            match = _TOKEN.match(text, index)
            if match is None:
                what = "invalid arithmetic operator" if self.tokens else "operand expected"
                raise self.problem(f"syntax error: {what}", text[index:].strip())
            kind = match.lastgroup or ""
            if kind == "omitted":
                raise _left_out(match[kind])
            self.tokens.append((kind, match[kind], match.start(kind)))
            index = match.end()

    def problem(self, what: str, token: str) -> ArithmeticProblem:
        return ArithmeticProblem(f'{self.text.strip()}: {what} (error token is "{token}")')

    def rest(self, index: int) -> str:
        """The text from a token on, or from the last one."""
        return self.text[self.tokens[min(index, len(self.tokens) - 1)][2] :].strip()

    def peek(self) -> str:
        return self.tokens[self.index][1] if self.index < len(self.tokens) else ""

    def whole(self) -> int:
        if not self.tokens:
            return 0
        value = self.binary(1)
        if self.index < len(self.tokens):
            raise self.problem("syntax error in expression", self.rest(self.index))
        return value

    def binary(self, least: int) -> int:
        left = self.unary()
        while True:
            sign = self.peek()
            level = _LEVELS.get(sign, 0)
            if level < least:
                return left
            self.index += 1
            skip = (sign == "||" and left != 0) or (sign == "&&" and left == 0)
            self.skipping += skip
            right = self.binary(level + 1)
            self.skipping -= skip
            left = self.apply(sign, left, right)

    def apply(self, sign: str, left: int, right: int) -> int:
        if sign in _OPERATIONS:
            return wrap(int(_OPERATIONS[sign](left, right)))
        if right == 0:
            if not self.skipping:
                raise self.problem("division by 0", self.rest(self.index - 1))
            return 0
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return wrap(quotient) if sign == "/" else left - quotient * right

    def unary(self) -> int:
        self.nesting += 1
        if self.nesting > MAX_DEPTH:
            raise ArithmeticProblem(f"{self.text.strip()}: expression recursion level exceeded")
        sign = self.peek()
        if sign in ("!", "-", "+"):
            self.index += 1
            value = self.unary()
            value = int(not value) if sign == "!" else wrap(-value) if sign == "-" else value
        else:
            value = self.primary()
        self.nesting -= 1
        return value

    def primary(self) -> int:
        if self.index >= len(self.tokens):
            raise self.problem("syntax error: operand expected", self.rest(self.index))
        kind, token, _ = self.tokens[self.index]
        if kind == "op" and token != "(":
            raise self.problem("syntax error: operand expected", self.rest(self.index))
        self.index += 1
        if kind == "number":
            return self.number(token)
        if kind == "name":
            return self.variable(token)
        value = self.binary(1)
        if self.peek() != ")":
            raise self.problem("missing `)'", self.rest(self.index))
        self.index += 1
        return value

    def number(self, token: str) -> int:
        if token[:2] in ("0x", "0X"):
            return wrap(int(token, 16))
        if token.startswith("0") and set(token) & {"8", "9"}:
            raise self.problem("value too great for base", token)
        return wrap(int(token[-40:], 8 if token.startswith("0") else 10))

    def variable(self, name: str) -> int:
        text = self.get(name).strip()
        if not re.fullmatch(r"-?(?:0[xX][0-9a-fA-F]+|\d+)|", text):
            raise _left_out(f"{name}={text[:40]}")
        value = self.number(text.removeprefix("-")) if text else 0
        return wrap(-value) if text.startswith("-") else value
