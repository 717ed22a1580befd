"""``$((…))``: integers of 64 bits, with the arithmetic, comparing and logical operators of bash and dash."""

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


def _divide(left: int, right: int) -> int:
    # C rounds towards zero, Python down.
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


_BINARY: dict[str, tuple[int, Callable[[int, int], int]]] = {
    "||": (1, lambda left, right: bool(left or right)),
    "&&": (2, lambda left, right: bool(left and right)),
    "==": (3, operator.eq),
    "!=": (3, operator.ne),
    "<": (4, operator.lt),
    "<=": (4, operator.le),
    ">": (4, operator.gt),
    ">=": (4, operator.ge),
    "+": (5, operator.add),
    "-": (5, operator.sub),
    "*": (6, operator.mul),
    "/": (6, _divide),
    "%": (6, lambda left, right: left - _divide(left, right) * right),
}
"""Binary operators with their level and meaning; a higher level binds tighter."""

_UNARY: dict[str, Callable[[int], int]] = {"!": operator.not_, "-": operator.neg, "+": operator.pos}

MAX_DEPTH = 40
MAX_LENGTH = 4096


class ArithmeticProblem(Exception):
    """The expression cannot be evaluated; its text is the message of bash.

    Args:
        message: The message, with the expression in front.
        dash: The message of dash, empty if it has the same.
    """

    def __init__(self, message: str, dash: str = "") -> None:
        super().__init__(message)
        self.dash = dash


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
        ArithmeticProblem: The expression is malformed, uses an operator that is left out, or divides by zero.
    """
    if len(text) > MAX_LENGTH:
        raise ArithmeticProblem("expression too long")
    # dash reports these operators as syntax errors, as its real arithmetic does.
    if bash and (omitted := _BASH_OMITTED.search(text)):
        raise _left_out(omitted[0])
    return _Parser(text, get).whole()


def _left_out(what: str) -> ArithmeticProblem:
    return ArithmeticProblem(f"$((… {what} …)): not simulated in this lab's pods")


class _Parser:
    """Evaluates while it reads; ``skipping`` the side of ``&&`` or ``||`` that does not count."""

    def __init__(self, text: str, get: Callable[[str], str]) -> None:
        self.text = text.strip()
        self.get = get
        self.nesting = 0
        self.skipping = 0
        self.index = 0
        self.kind = self.token = ""
        self.start = self.last = 0

    def problem(
        self, problem: str, dash: str = "expecting EOF", token: str = ""
    ) -> ArithmeticProblem:
        # At the end bash names the last token.
        token = token or self.text[self.start if self.token else self.last :].strip()
        return ArithmeticProblem(f'{self.text}: {problem} (error token is "{token}")', dash)

    def advance(self) -> None:
        """Read the next token."""
        self.last = self.start
        match = _TOKEN.match(self.text, self.index)
        if match is None:
            self.kind = self.token = ""
            if self.index < len(self.text):
                what = "invalid arithmetic operator" if self.index else "operand expected"
                rest = self.text[self.index :].strip()
                raise self.problem(f"syntax error: {what}", token=rest)
            return
        self.kind = match.lastgroup or ""
        self.token = match[self.kind]
        self.start = match.start(self.kind)
        self.index = match.end()
        if self.kind == "omitted":
            raise _left_out(self.token)

    def whole(self) -> int:
        self.advance()
        if not self.token:
            return 0
        value = self.binary(1)
        if self.token:
            raise self.problem("syntax error in expression")
        return value

    def binary(self, least: int) -> int:
        left = self.unary()
        while True:
            level, function = _BINARY.get(self.token, (0, operator.add))
            if level < least:
                return left
            sign = self.token
            self.advance()
            skip = (sign == "||" and left != 0) or (sign == "&&" and left == 0)
            self.skipping += skip
            operand = self.start
            right = self.binary(level + 1)
            self.skipping -= skip
            if sign in ("/", "%") and not right:
                if not self.skipping:
                    token = self.text[operand:]
                    raise self.problem("division by 0", "division by zero", token)
                right = 1
            left = wrap(int(function(left, right)))

    def unary(self) -> int:
        self.nesting += 1
        # Bash has a limit, too, with this message; its own is 1,024 levels.
        if self.nesting > MAX_DEPTH:
            raise ArithmeticProblem(f"{self.text}: expression recursion level exceeded")
        function = _UNARY.get(self.token)
        if function is not None:
            self.advance()
            value = wrap(int(function(self.unary())))
        else:
            value = self.primary()
        self.nesting -= 1
        return value

    def primary(self) -> int:
        kind = self.kind
        token = self.token
        if kind not in ("number", "name") and token != "(":
            raise self.problem("syntax error: operand expected", "expecting primary")
        if kind == "number":
            value = self.number(token)
        elif kind == "name":
            value = self.variable(token)
        self.advance()
        if token == "(":
            value = self.binary(1)
            if self.token != ")":
                raise self.problem("missing `)'")
            self.advance()
        return value

    def number(self, token: str) -> int:
        if token[:2] in ("0x", "0X"):
            return wrap(int(token, 16))
        if token.startswith("0") and set(token) & {"8", "9"}:
            raise self.problem("value too great for base", token=token)
        # The time of `int` grows with the square of the text's length.
        return wrap(int(token[-40:], 8 if token.startswith("0") else 10))

    def variable(self, name: str) -> int:
        text = self.get(name).strip()
        # Bash evaluates a value as an expression again, which is endless for `x=x`.
        if not re.fullmatch(r"-?(?:0[xX][0-9a-fA-F]+|\d+)|", text):
            raise _left_out(f"{name}={text[:40]}")
        value = self.number(text.removeprefix("-")) if text else 0
        return wrap(-value) if text.startswith("-") else value
