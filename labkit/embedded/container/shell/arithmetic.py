"""``$((…))``: C's integer arithmetic on 64 bits, with the operators that bash and dash share."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F]+|\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<op><<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^!~<>=?:()]))"
)
_LEFT_OUT = re.compile(r"\*\*|\+\+|--|,|\d+#")
"""Operators that only bash has."""

_BINARY = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, "<=": 7, ">": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "||": lambda left, right: bool(left or right), "&&": lambda left, right: bool(left and right), "|": operator.or_,
    "^": operator.xor, "&": operator.and_, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge, "<<": lambda left, right: left << (right & 63),
    ">>": lambda left, right: left >> (right & 63), "+": operator.add, "-": operator.sub, "*": operator.mul,
}  # fmt: skip
"""All but those that may fail."""

_ASSIGN = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="})
MAX_DEPTH = 40
MAX_LENGTH = 4096


class ArithmeticProblem(Exception):
    """The expression cannot be evaluated; its text is the message of bash, with the expression in front."""


def wrap(value: int) -> int:
    """An integer cut to 64 bits with sign."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def evaluate(
    text: str, get: Callable[[str], str], put: Callable[[str, str], None], depth: int = 0, *, bash: bool = False
) -> int:
    """Evaluate an expression whose ``$`` are expanded: a signed 64-bit integer, 0 for an empty one.

    Args:
        text: The expression.
        get: A variable's value, empty if unset.
        put: Sets a variable.
        depth: How many variables were followed to get here.
        bash: Whether bash's own operators (``++ -- ** ,``) are named as left out.

    Raises:
        ArithmeticProblem: It is no expression, or divides by zero.
    """
    if len(text) > MAX_LENGTH:
        raise ArithmeticProblem("expression too long")
    if depth > MAX_DEPTH:
        raise ArithmeticProblem(
            f'{text.strip()}: expression recursion level exceeded (error token is "{text.strip()}")'
        )
    if bash and (found := _LEFT_OUT.search(text)):
        raise ArithmeticProblem(f"$((… {found[0]} …)): not simulated in this lab's pods")
    return _Parser(text, get, put, depth).whole()


class _Parser:
    def __init__(self, text: str, get: Callable[[str], str], put: Callable[[str, str], None], depth: int) -> None:
        self.text = text
        self.get = get
        self.put = put
        self.depth = depth
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
            self.tokens.append((kind, match[kind], match.start(kind)))
            index = match.end()

    def problem(self, what: str, token: str) -> ArithmeticProblem:
        return ArithmeticProblem(f'{self.text.strip()}: {what} (error token is "{token}")')

    def rest(self, index: int) -> str:
        """The text from a token on, or from the last one."""
        return self.text[self.tokens[min(index, len(self.tokens) - 1)][2] :].strip()

    def peek(self) -> str:
        return self.tokens[self.index][1] if self.index < len(self.tokens) else ""

    def enter(self) -> None:
        self.nesting += 1
        if self.nesting > MAX_DEPTH:
            raise ArithmeticProblem(f"{self.text.strip()}: expression recursion level exceeded")

    def whole(self) -> int:
        if not self.tokens:
            return 0
        value = self.assignment()
        if self.index < len(self.tokens):
            raise self.problem("syntax error in expression", self.rest(self.index))
        return value

    def assignment(self) -> int:
        self.enter()
        kind, name, _ = self.tokens[self.index] if self.index < len(self.tokens) else ("", "", 0)
        sign = self.tokens[self.index + 1][1] if self.index + 1 < len(self.tokens) else ""
        if kind == "name" and sign in _ASSIGN:
            self.index += 2
            value = self.assignment()
            if sign != "=":
                value = self.apply(sign[:-1], self.variable(name), value)
            if not self.skipping:
                self.put(name, str(value))
        else:
            value = self.ternary()
        self.nesting -= 1
        return value

    def ternary(self) -> int:
        condition = self.binary(1)
        if self.peek() != "?":
            return condition
        self.index += 1
        first = self.branch(skip=not condition)
        if self.peek() != ":":
            raise self.problem("`:' expected for conditional expression", self.rest(self.index))
        self.index += 1
        second = self.branch(skip=bool(condition))
        return first if condition else second

    def branch(self, *, skip: bool) -> int:
        self.skipping += skip
        value = self.assignment()
        self.skipping -= skip
        return value

    def binary(self, least: int) -> int:
        left = self.unary()
        while True:
            sign = self.peek()
            level = _BINARY.get(sign, 0)
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
        sign = self.peek()
        if sign not in ("!", "~", "-", "+"):
            return self.primary()
        self.index += 1
        self.enter()
        value = self.unary()
        self.nesting -= 1
        return {"!": int(not value), "~": ~value, "-": wrap(-value)}.get(sign, value)

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
        value = self.assignment()
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
        text = self.get(name)
        if not text.strip():
            return 0
        if re.fullmatch(r"\s*-?(?:[1-9]\d{0,18}|0)\s*", text):
            return wrap(int(text))
        return evaluate(text, self.get, self.put, self.depth + 1)
