"""awk's grammar: from the text of a program to a tree of tuples."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

Node = tuple[Any, ...]
"""An expression or statement: its kind and its parts."""

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\\\n|\#[^\n]*)|(?P<newline>\n)|"""
    r"""(?P<number>0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)"""
    r"""|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<op>\+\+|--|\*\*=|\*\*|\+=|-=|\*=|/=|%=|\^=|==|<=|>=|!=|&&|\|\||>>|[-+*/%^!<>|?:~$=,;(){}\[\]])""",
    re.DOTALL,
)
KEYWORDS = frozenset(
    [
        "BEGIN",
        "END",
        "if",
        "else",
        "while",
        "for",
        "do",
        "break",
        "continue",
        "next",
        "exit",
        "return",
        "delete",
        "in",
        "function",
        "func",
        "getline",
        "print",
        "printf",
    ]
)
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


class AwkError(Exception):
    """The program cannot be read, or does something impossible.

    Args:
        message: What awk says.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class Program:
    """A parsed program.

    Args:
        begin: Actions before the input.
        rules: Patterns (or None, or a pair for a range) with their actions.
        end: Actions behind it.
        functions: Name to parameters and body.
    """

    begin: list[Node] = field(default_factory=list)
    rules: list[tuple[Node | None, Node | None, Node | None]] = field(default_factory=list)
    end: list[Node] = field(default_factory=list)
    functions: dict[str, tuple[list[str], Node]] = field(default_factory=dict)


class Parser:
    """Reads a program.

    Args:
        text: Its text.
    """

    def __init__(self, text: str) -> None:
        if len(text) > 64_000:
            raise AwkError("program too long")
        self.text = text
        self.index = 0
        self.line = 1
        self.kind = ""
        self.token = ""
        self.depth = 0
        self.no_in = False
        self.no_greater = False
        self.previous = ""
        self.advance()

    def fail(self) -> AwkError:
        """A syntax error at the current token."""
        shown = self.token if self.kind not in ("end", "newline") else "newline or end of string"
        return AwkError(f"line {self.line}: syntax error at or near {shown or 'end of file'}")

    def advance(self) -> None:
        """Read the next token."""
        self.previous = self.token
        while True:
            if self.index >= len(self.text):
                self.kind, self.token = "end", ""
                return
            match = _TOKEN.match(self.text, self.index)
            if match is None:
                self.kind, self.token = "bad", self.text[self.index]
                raise self.fail()
            self.index = match.end()
            self.kind = match.lastgroup or ""
            self.token = match[0]
            self.line += self.token.count("\n")
            if self.kind != "space":
                if self.kind == "name" and self.token in KEYWORDS:
                    self.kind = "keyword"
                return

    def regex(self) -> str:
        """Read a regular expression whose ``/`` is the current token."""
        out: list[str] = []
        bracket = False
        if self.token == "/=":
            self.index -= 1
        while self.index < len(self.text) and self.text[self.index] != "\n":
            char = self.text[self.index]
            self.index += 1
            if char == "\\" and self.index < len(self.text):
                following = self.text[self.index]
                self.index += 1
                out.append("/" if following == "/" else char + following)
                continue
            if char == "/" and not bracket:
                self.advance()
                return "".join(out)
            bracket = (bracket or char == "[") and char != "]"
            out.append(char)
        raise AwkError(f"line {self.line}: runaway regular expression /{''.join(out)[:20]} ...")

    def take(self, token: str) -> None:
        """Read a token that must come here."""
        if self.token != token or self.kind == "string":
            raise self.fail()
        self.advance()

    def is_op(self, *tokens: str) -> bool:
        """Whether the current token is one of these operators or keywords."""
        return self.kind in ("op", "keyword") and self.token in tokens

    def skip_newlines(self) -> None:
        """Step over line ends and semicolons."""
        while self.kind == "newline" or self.is_op(";"):
            self.advance()

    def program(self) -> Program:
        """The whole program.

        Raises:
            AwkError: It is none.
        """
        out = Program()
        self.skip_newlines()
        while self.kind != "end":
            if self.is_op("BEGIN", "END"):
                name = self.token
                self.advance()
                (out.begin if name == "BEGIN" else out.end).append(self.block())
            elif self.is_op("function", "func"):
                self.function(out)
            else:
                first: Node | None = None
                second: Node | None = None
                if not self.is_op("{"):
                    first = self.expression()
                    if self.is_op(","):
                        self.advance()
                        second = self.expression()
                body = self.block() if self.is_op("{") else None
                out.rules.append((first, second, body))
            self.skip_newlines()
        return out

    def function(self, out: Program) -> None:
        """Read a function."""
        self.advance()
        name = self.token
        self.advance()
        self.take("(")
        parameters: list[str] = []
        while not self.is_op(")"):
            parameters.append(self.token)
            self.advance()
            if self.is_op(","):
                self.advance()
            elif not self.is_op(")"):
                raise self.fail()
        self.take(")")
        while self.kind == "newline":
            self.advance()
        out.functions[name] = (parameters, self.block())

    def block(self) -> Node:
        """Read ``{ … }``."""
        self.take("{")
        out: list[Node] = []
        self.skip_newlines()
        while not self.is_op("}"):
            if self.kind == "end":
                raise self.fail()
            out.append(self.statement())
            self.skip_newlines()
        self.advance()
        return ("block", out)

    def statement(self) -> Node:
        """Read a statement."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise AwkError("program nested too deeply")
        try:
            return self._statement()
        finally:
            self.depth -= 1

    def _body(self) -> Node:
        while self.kind == "newline":
            self.advance()
        if self.is_op(";"):
            self.advance()
            return ("block", [])
        return self.statement()

    def _statement(self) -> Node:
        if self.is_op("{"):
            return self.block()
        if self.kind == "keyword":
            word = self.token
            if word == "if":
                self.advance()
                self.take("(")
                condition = self.expression()
                self.take(")")
                body = self._body()
                mark = (self.index, self.line, self.kind, self.token)
                self.skip_newlines()
                if self.is_op("else"):
                    self.advance()
                    return ("if", condition, body, self._body())
                self.index, self.line, self.kind, self.token = mark
                return ("if", condition, body, None)
            if word == "while":
                self.advance()
                self.take("(")
                condition = self.expression()
                self.take(")")
                return ("while", condition, self._body())
            if word == "do":
                self.advance()
                body = self._body()
                self.skip_newlines()
                self.take("while")
                self.take("(")
                condition = self.expression()
                self.take(")")
                return ("do", body, condition)
            if word == "for":
                return self._for()
        return self._simple_end()

    def _for(self) -> Node:
        self.advance()
        self.take("(")
        match = re.compile(r"\s*in\s+([A-Za-z_]\w*)\s*\)").match(self.text, self.index)
        if self.kind == "name" and match is not None:
            name = self.token
            self.index = match.end()
            self.advance()
            return ("forin", name, match[1], self._body())
        start = self._simple() if not self.is_op(";") else None
        self.take(";")
        test = self.expression() if not self.is_op(";") else None
        self.take(";")
        step = self._simple() if not self.is_op(")") else None
        self.take(")")
        return ("for", start, test, step, self._body())

    def _simple_end(self) -> Node:
        out = self._simple()
        if self.kind not in ("newline", "end") and not self.is_op(";", "}"):
            raise self.fail()
        return out

    def _simple(self) -> Node:
        if self.kind == "keyword":
            word = self.token
            if word in ("print", "printf"):
                return self._print(word)
            if word in ("break", "continue", "next"):
                self.advance()
                return (word,)
            if word in ("exit", "return"):
                self.advance()
                bare = self.kind in ("newline", "end") or self.is_op(";", "}")
                return (word, None if bare else self.expression())
            if word == "delete":
                self.advance()
                name = self.token
                self.advance()
                if self.is_op("["):
                    self.advance()
                    keys = self._list("]")
                    self.take("]")
                    return ("delete", name, keys)
                return ("delete", name, None)
        return ("expression", self.expression())

    def _print(self, word: str) -> Node:
        self.advance()
        args: list[Node] = []
        kept, self.no_greater = self.no_greater, True
        if self.kind not in ("newline", "end") and not self.is_op(";", "}", ">", ">>", "|"):
            args.append(self.expression())
            while self.is_op(","):
                self.advance()
                while self.kind == "newline":
                    self.advance()
                args.append(self.expression())
            if len(args) == 1 and args[0][0] == "grouping":
                args = list(args[0][1])
        self.no_greater = kept
        target: Node | None = None
        operator = ""
        if self.is_op(">", ">>", "|"):
            operator = self.token
            self.advance()
            target = self.concatenation(no_in=True)
        return (word, args, operator, target)

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

    # Expressions, from the loosest binding to the tightest.

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

    def concatenation(self, *, no_in: bool = False) -> Node:
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
            from labkit.apiserver.node.shell.printf import unescape

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
