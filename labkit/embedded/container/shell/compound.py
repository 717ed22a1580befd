"""The compound commands of the grammar: ``if``, loops, functions and groups."""

from __future__ import annotations

import re
from collections.abc import Callable

from labkit.embedded.container.shell import syntax
from labkit.embedded.container.shell.lexer import BASH_RESERVED, Lexer
from labkit.embedded.container.shell.syntax import Command, Commands, Text, Word
from labkit.embedded.container.shell.syntax_errors import SyntaxProblem

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}")


class CompoundParser(Lexer):
    """Reads compound commands; :class:`.parser.Parser` reads the commands in them.

    Every method begins at the current token and leaves the first that is not its own.
    """

    def commands(self, *ends: str) -> Commands:
        """Commands up to one of the closing words; at least one."""
        raise NotImplementedError

    def command(self, expecting: str = "") -> Command:
        """One command of any kind."""
        raise NotImplementedError

    def expect(self, word: str) -> None:
        """Step over a reserved word that must stand here."""
        if self.token != word:
            raise self.fail(word)
        self.advance()

    def skip_newlines(self) -> None:
        """Step over line ends."""
        while self.token == "\n":
            self.advance()

    def without_braces(self, word: Word) -> Word:
        """A word, in which bash would expand no braces: that is left out."""
        texts = (part.text for part in word.parts if isinstance(part, Text) and not part.quoted)
        if self.dialect == "bash" and any(_BRACES.search(text) for text in texts):
            self.left_out("{…,…}")
        return word

    def compound(self) -> Callable[[], Command] | None:
        """The method that reads the compound command that begins here."""
        if self.token == "((":
            return self.double_parentheses
        if self.token == "(":
            return self.subshell
        if self.current is None:
            return None
        if self.token == "case" or (self.dialect == "bash" and self.token in BASH_RESERVED):
            self.left_out(self.token)
        return {
            "if": self.if_command,
            "while": self.loop,
            "until": self.loop,
            "for": self.for_loop,
            "{": self.group,
        }.get(self.token)

    def function_body(self, line: int, name: str) -> Command:
        """A function's ``()`` and body, after its name."""
        self.advance()
        self.expect(")")
        self.skip_newlines()
        if not self.token or (self.dialect == "bash" and self.compound() is None):
            raise self.fail()
        self.enter()
        body = self.command()
        self.depth -= 1
        return syntax.Function(line, (), name, body)

    def subshell(self) -> Command:
        """``( … )``."""
        self.advance()
        body = self.commands(")")
        self.expect(")")
        return syntax.Subshell(body=body)

    def group(self) -> Command:
        """``{ …; }``."""
        self.advance()
        body = self.commands("}")
        self.expect("}")
        return syntax.Group(body=body)

    def double_parentheses(self) -> Command:
        """Two subshells that begin together; ``(( … ))`` is left out."""
        start = self.index
        if self.arithmetic(start) is not None:
            self.left_out("((…))")
        self.index, self.token = start - 1, "("
        return self.subshell()

    def if_command(self) -> Command:
        """``if`` up to ``fi``."""
        branches: list[tuple[Commands, Commands]] = []
        while self.is_reserved("if", "elif"):
            self.advance()
            condition = self.commands("then")
            self.expect("then")
            branches.append((condition, self.commands("fi", "elif", "else")))
        else_body = None
        if self.is_reserved("else"):
            self.advance()
            else_body = self.commands("fi")
        self.expect("fi")
        return syntax.If(branches=tuple(branches), else_body=else_body)

    def loop(self) -> Command:
        """``while`` and ``until``."""
        until = self.token == "until"
        self.advance()
        condition = self.commands("do")
        return syntax.While(condition=condition, body=self._do(), until=until)

    def _do(self) -> Commands:
        self.expect("do")
        body = self.commands("done")
        self.expect("done")
        return body

    def for_loop(self) -> Command:
        """``for name in words``."""
        self.advance()
        if self.token == "((":
            self.left_out("for ((…))")
        name, is_word = self.token, self.current is not None
        if self.dialect == "bash" and not is_word:
            raise self.fail()
        if self.dialect != "bash" and not (is_word and NAME.fullmatch(name)):
            raise SyntaxProblem("other", "Bad for loop variable", self.line_at(self.start))
        self.advance()
        self.skip_newlines()
        words: list[Word] | None = None
        if self.is_reserved("in"):
            words = []
            self.advance()
            while self.current is not None:
                words.append(self.without_braces(self.current))
                self.advance()
            if self.token not in (";", "\n"):
                raise self.fail()
        if self.token == ";":
            self.advance()
        self.skip_newlines()
        listed = tuple(words) if words is not None else None
        return syntax.For(name=name, words=listed, body=self._do())
