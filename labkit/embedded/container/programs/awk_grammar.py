"""awk's expressions: from tokens to trees of tuples, by precedence."""

from __future__ import annotations

from typing import Any

from labkit.embedded.container.programs.awk_lexer import AwkError, Lexer
from labkit.embedded.container.shell.printf import unescape

Node = tuple[Any, ...]
"""An expression or statement: its kind and its parts."""


FUNCTIONS = frozenset(
    [
        "length",
        "substr",
        "index",
        "split",
        "sub",
        "gsub",
        "match",
        "sprintf",
        "sin",
        "cos",
        "atan2",
        "exp",
        "log",
        "sqrt",
        "int",
        "rand",
        "srand",
        "tolower",
        "toupper",
        "system",
    ]
)


MAX_DEPTH = 60


class ExpressionParser(Lexer):
    """Reads expressions."""

    def _list(self, closer: str) -> list[Node]:
        out: list[Node] = []
        kept, self.no_greater = self.no_greater, False
        while not self.is_op(closer):
            out.append(self.expression())
            if self.is_op(","):
                self.advance()
                while self.kind == "newline":
                    self.advance()
            elif not self.is_op(closer):
                raise self.fail()
        self.no_greater = kept
        return out

    def expression(self) -> Node:
        """An expression."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise AwkError("expression nested too deeply")
        try:
            left = self.ternary()
            if self.is_op("=", "+=", "-=", "*=", "/=", "%=", "^=", "**=") and left[0] in ("variable", "index", "field"):
                operator = self.token[:-1].replace("**", "^")
                self.advance()
                return ("assign", left, operator, self.expression())
            return left
        finally:
            self.depth -= 1

    def ternary(self) -> Node:
        """``a ? b : c``."""
        condition = self.either()
        if not self.is_op("?"):
            return condition
        self.advance()
        first = self.expression()
        self.take(":")
        return ("ternary", condition, first, self.expression())

    def either(self) -> Node:
        """``a || b``."""
        left = self.both()
        while self.is_op("||"):
            self.advance()
            while self.kind == "newline":
                self.advance()
            left = ("or", left, self.both())
        return left

    def both(self) -> Node:
        """``a && b``."""
        left = self.member()
        while self.is_op("&&"):
            self.advance()
            while self.kind == "newline":
                self.advance()
            left = ("and", left, self.member())
        return left

    def member(self) -> Node:
        """``key in array``."""
        left = self.matching()
        while self.is_op("in"):
            self.advance()
            left = ("in", list(left[1]) if left[0] == "grouping" else [left], self.token)
            self.advance()
        return left

    def matching(self) -> Node:
        """``a ~ b``."""
        left = self.comparison()
        while self.is_op("~") or (self.is_op("!") and self.text[self.index : self.index + 1] == "~"):
            negated = self.token == "!"
            self.advance()
            if negated:
                self.advance()
            left = ("nomatch" if negated else "match", left, self.comparison())
        return left

    def comparison(self) -> Node:
        """``a < b``."""
        left = self.concatenation()
        operators = ["<", "<=", "==", "!=", ">="] + ([] if self.no_greater else [">"])
        if self.is_op(*operators):
            operator = self.token
            self.advance()
            return ("compare", operator, left, self.concatenation())
        return left

    def concatenation(self) -> Node:
        """Values side by side."""
        left = self.additive()
        while self.kind in ("number", "string", "name") or self.is_op("$", "!", "(", "-", "+", "++", "--"):
            if self.is_op("!") and self.text[self.index : self.index + 1] in ("~", "="):
                break
            if self.kind == "keyword":
                break
            left = ("concat", left, self.additive())
        return left

    def additive(self) -> Node:
        """``a + b``."""
        left = self.multiplicative()
        while self.is_op("+", "-"):
            operator = self.token
            self.advance()
            left = ("binary", operator, left, self.multiplicative())
        return left

    def multiplicative(self) -> Node:
        """``a * b``."""
        left = self.unary()
        while self.is_op("*", "/", "%"):
            operator = self.token
            self.advance()
            left = ("binary", operator, left, self.unary())
        return left

    def unary(self) -> Node:
        """``!a``, ``-a``."""
        self.depth += 1
        if self.depth > MAX_DEPTH * 2:
            raise AwkError("expression nested too deeply")
        try:
            if self.is_op("!", "-", "+"):
                operator = self.token
                self.advance()
                return ("unary", operator, self.unary())
            return self.power()
        finally:
            self.depth -= 1

    def power(self) -> Node:
        """``a ^ b``."""
        left = self.postfix()
        if self.is_op("^", "**"):
            self.advance()
            return ("binary", "^", left, self.unary())
        return left

    def postfix(self) -> Node:
        """``a++``."""
        if self.is_op("++", "--"):
            operator = self.token
            self.advance()
            return ("before", operator, self.primary())
        left = self.primary()
        if self.is_op("++", "--") and left[0] in ("variable", "index", "field"):
            operator = self.token
            self.advance()
            return ("after", operator, left)
        return left

    def primary(self) -> Node:
        """A value."""
        kind, token = self.kind, self.token
        if kind == "number":
            self.advance()
            return ("number", float(int(token, 16)) if token[:2] in ("0x", "0X") else float(token))
        if kind == "string":
            self.advance()
            return ("string", unescape(token[1:-1].replace('\\"', '"').replace("\\/", "/"))[0])
        if kind == "op" and token in ("/", "/="):
            return ("regex", ("=" if token == "/=" else "") + self.regex() if token == "/" else self.regex())
        if self.is_op("$"):
            self.advance()
            if self.is_op("++", "--"):
                operator = self.token
                self.advance()
                return ("field", ("before", operator, self.primary()))
            return ("field", self.primary())
        if self.is_op("("):
            self.advance()
            items = self._list(")")
            self.take(")")
            if len(items) == 1:
                return ("group", items[0])
            return ("grouping", items)
        if self.is_op("-", "+", "!"):
            return self.unary()
        if self.is_op("getline"):
            raise AwkError("the lab's awk leaves getline out")
        if kind == "name":
            touching = self.text[self.index : self.index + 1] == "("
            self.advance()
            if token in FUNCTIONS:
                if self.is_op("("):
                    self.advance()
                    args = self._list(")")
                    self.take(")")
                    return ("call", token, args)
                return ("call", token, [])
            if touching and self.is_op("("):
                self.advance()
                args = self._list(")")
                self.take(")")
                return ("own", token, args)
            if self.is_op("["):
                self.advance()
                keys = self._list("]")
                self.take("]")
                return ("index", token, keys)
            return ("variable", token)
        raise self.fail()
