"""awk's programs: from a text to rules, functions and statements."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from labkit.embedded.container.programs.awk_grammar import MAX_DEPTH, ExpressionParser, Node
from labkit.embedded.container.programs.awk_lexer import AwkError


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


class Parser(ExpressionParser):
    """Reads a program.

    Args:
        text: Its text.
    """

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
            target = self.concatenation()
        return (word, args, operator, target)
