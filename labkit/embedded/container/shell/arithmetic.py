"""``$((…))``: C's integer arithmetic on 64 bits, as bash does it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable


def _tokens(number: str, operators: str) -> re.Pattern[str]:
    single = "[-+*/%&|^]=|[-+*/%&|^!~<>=?:()]"
    return re.compile(
        rf"\s*(?:(?P<number>{number}0[xX][0-9a-fA-F]+|\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
        rf"|(?P<op><<=|>>={operators}|<<|>>|<=|>=|==|!=|&&|\|\||{single}))"
    )


_TOKEN = _tokens(r"\d+\#[0-9a-zA-Z@_]+|", r"|\*\*|\+\+|--|,")
_POSIX_TOKEN = _tokens("", "")
"""The same without bash's own operators and numbers."""

_BINARY = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, "<=": 7, ">": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10, "**": 12,
}  # fmt: skip
_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "||": lambda left, right: bool(left or right), "&&": lambda left, right: bool(left and right), "|": operator.or_,
    "^": operator.xor, "&": operator.and_, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge, "<<": lambda left, right: left << (right & 63),
    ">>": lambda left, right: left >> (right & 63), "+": operator.add, "-": operator.sub, "*": operator.mul,
}  # fmt: skip
"""All but those that may fail."""

_ASSIGN = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="})
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@_"
MAX_DEPTH = 40
MAX_LENGTH = 4096


class ArithmeticProblem(Exception):
    """The expression cannot be evaluated.

    Args:
        message: What bash says, with the expression in front.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def wrap(value: int) -> int:
    """An integer cut to 64 bits with sign."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def evaluate(
    text: str, get: Callable[[str], str], put: Callable[[str, str], None], depth: int = 0, *, posix: bool = False
) -> int:
    """Evaluate an expression.

    Args:
        text: The expression, its ``$`` already expanded.
        get: A variable's value, empty if unset.
        put: Sets a variable.
        depth: How many variables were followed to get here.
        posix: Without bash's own operators (``++ -- ** ,``), as dash has it.

    Returns:
        A signed 64-bit integer; 0 for an empty expression.

    Raises:
        ArithmeticProblem: It is no expression, or divides by zero.
    """
    if len(text) > MAX_LENGTH:
        raise ArithmeticProblem("expression too long")
    if depth > MAX_DEPTH:
        raise ArithmeticProblem(
            f'{text.strip()}: expression recursion level exceeded (error token is "{text.strip()}")'
        )
    parser = _Parser(text, get, put, depth, posix=posix)
    try:
        return parser.whole()
    except RecursionError:
        raise ArithmeticProblem(f"{text.strip()}: expression recursion level exceeded") from None


class _Parser:
    def __init__(
        self, text: str, get: Callable[[str], str], put: Callable[[str, str], None], depth: int, *, posix: bool
    ) -> None:
        self.text = text
        self.get = get
        self.put = put
        self.depth = depth
        self.nesting = 0
        self.skipping = 0
        self.tokens: list[tuple[str, str, int]] = []
        index, end = 0, len(text.rstrip())
        while index < end:
            match = (_POSIX_TOKEN if posix else _TOKEN).match(text, index)
            if match is None:
                rest = text[index:].strip()
                self.problem("syntax error: operand expected", rest) if not self.tokens else self.problem(
                    "syntax error: invalid arithmetic operator", rest
                )
                return
            kind = match.lastgroup or ""
            self.tokens.append((kind, match[kind], match.start(kind)))
            index = match.end()
        self.index = 0

    def problem(self, what: str, token: str) -> None:
        raise ArithmeticProblem(f'{self.text.strip()}: {what} (error token is "{token}")')

    def rest(self, index: int) -> str:
        if index < len(self.tokens):
            return self.text[self.tokens[index][2] :].strip()
        return self.text[self.tokens[-1][2] :].strip() if self.tokens else ""

    def peek(self) -> str:
        return self.tokens[self.index][1] if self.index < len(self.tokens) else ""

    def whole(self) -> int:
        if not self.tokens:
            return 0
        value = self.comma()
        if self.index < len(self.tokens):
            self.problem("syntax error in expression", self.rest(self.index))
        return value

    def comma(self) -> int:
        value = self.assignment()
        while self.peek() == ",":
            self.index += 1
            value = self.assignment()
        return value

    def assignment(self) -> int:
        self.nesting += 1
        if self.nesting > MAX_DEPTH:
            raise ArithmeticProblem(f"{self.text.strip()}: expression recursion level exceeded")
        try:
            following = self.tokens[self.index + 1][1] if self.index + 1 < len(self.tokens) else ""
            if self.index < len(self.tokens) and self.tokens[self.index][0] == "name" and following in _ASSIGN:
                name = self.tokens[self.index][1]
                self.index += 2
                value = self.assignment()
                if following != "=":
                    value = self.apply(following[:-1], self.variable(name), value)
                if not self.skipping:
                    self.put(name, str(value))
                return value
            return self.ternary()
        finally:
            self.nesting -= 1

    def ternary(self) -> int:
        condition = self.binary(1)
        if self.peek() != "?":
            return condition
        self.index += 1
        self.skipping += 0 if condition else 1
        first = self.comma()
        self.skipping -= 0 if condition else 1
        if self.peek() != ":":
            self.problem("`:' expected for conditional expression", self.rest(self.index))
        self.index += 1
        self.skipping += 1 if condition else 0
        second = self.assignment()
        self.skipping -= 1 if condition else 0
        return first if condition else second

    def binary(self, least: int) -> int:
        left = self.unary()
        while True:
            operator = self.peek()
            level = _BINARY.get(operator, 0)
            if level < least:
                return left
            self.index += 1
            skip = (operator == "||" and left != 0) or (operator == "&&" and left == 0)
            self.skipping += skip
            right = self.binary(level if operator == "**" else level + 1)
            self.skipping -= skip
            left = self.apply(operator, left, right)

    def apply(self, operator: str, left: int, right: int) -> int:
        if operator in _OPERATIONS:
            return wrap(int(_OPERATIONS[operator](left, right)))
        if operator == "**":
            if right < 0 and not self.skipping:
                self.problem("exponent less than 0", self.rest(self.index - 1))
            return wrap(pow(left, max(right, 0), 1 << 64))
        if right == 0:
            if not self.skipping:
                self.problem("division by 0", self.rest(self.index - 1))
            return 0
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return wrap(quotient) if operator == "/" else left - quotient * right

    def unary(self) -> int:
        token = self.peek()
        if token in ("++", "--") and self.index + 1 < len(self.tokens) and self.tokens[self.index + 1][0] == "name":
            name = self.tokens[self.index + 1][1]
            self.index += 2
            value = wrap(self.variable(name) + (1 if token == "++" else -1))
            if not self.skipping:
                self.put(name, str(value))
            return value
        if token in ("!", "~", "-", "+", "++", "--"):
            self.index += 1
            self.nesting += 1
            if self.nesting > MAX_DEPTH:
                raise ArithmeticProblem(f"{self.text.strip()}: expression recursion level exceeded")
            value = self.unary()
            self.nesting -= 1
            return {"!": int(not value), "~": ~value, "-": wrap(-value)}.get(token, value)
        return self.primary()

    def primary(self) -> int:
        if self.index >= len(self.tokens):
            self.problem("syntax error: operand expected", self.rest(self.index - 1))
        kind, token, _ = self.tokens[self.index]
        if token == "(":
            self.index += 1
            value = self.comma()
            if self.peek() != ")":
                self.problem("missing `)'", self.rest(self.index))
            self.index += 1
            return value
        if kind == "number":
            self.index += 1
            return self.number(token)
        if kind == "name":
            self.index += 1
            value = self.variable(token)
            if self.peek() in ("++", "--"):
                step = 1 if self.peek() == "++" else -1
                self.index += 1
                if not self.skipping:
                    self.put(token, str(wrap(value + step)))
            return value
        self.problem("syntax error: operand expected", self.rest(self.index))
        return 0

    def number(self, token: str) -> int:
        if "#" in token:
            base_text, _, digits = token.partition("#")
            base = int(base_text)
            if not 2 <= base <= 64:
                self.problem("invalid arithmetic base", token)
            value = 0
            for digit in digits:
                place = _DIGITS.index(digit.lower() if base <= 36 else digit)
                if place >= base:
                    self.problem("value too great for base", token)
                value = wrap(value * base + place)
            return value
        if token[:2] in ("0x", "0X"):
            return wrap(int(token, 16))
        if token.startswith("0") and len(token) > 1:
            if set(token) & {"8", "9"}:
                self.problem("value too great for base", token)
            return wrap(int(token, 8))
        return wrap(int(token)) if len(token) < 40 else wrap(int(token[-40:]))

    def variable(self, name: str) -> int:
        text = self.get(name)
        if not text.strip():
            return 0
        if re.fullmatch(r"\s*-?(?:[1-9]\d{0,18}|0)\s*", text):
            return wrap(int(text))
        return evaluate(text, self.get, self.put, self.depth + 1)
