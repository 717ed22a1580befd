"""From a script's text to its syntax tree, by recursive descent.

The grammar is here, tokens are in :mod:`.lexer` and what stands inside words in :mod:`.words`:
three layers of one class, because ``$(…)`` in a word holds commands again.
"""

from __future__ import annotations

import re
from functools import lru_cache

from labkit.embedded.container.shell import syntax
from labkit.embedded.container.shell.compound import CompoundParser
from labkit.embedded.container.shell.lexer import REDIRECTIONS
from labkit.embedded.container.shell.syntax import (
    Assignment,
    Command,
    Commands,
    Redirect,
    Script,
    Text,
    Word,
)
from labkit.embedded.container.shell.syntax_errors import SyntaxProblem, message
from labkit.embedded.container.shell.words import with_tilde
from labkit.embedded.machinery.cache import MAX_KEY_LENGTH

MAX_SCRIPT_BYTES = 128 << 10

DECLARING = frozenset({"export"})
"""Builtins whose arguments may be assignments."""

_LIST_ENDS = ("then", "elif", "else", "fi", "do", "done", "esac", "}", ")", ";;")
"""Tokens at which dash ends a list, and then reports what it expected instead."""

_SEPARATORS = (";", "&", "\n")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_ARRAY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[[^]]*\]\+?=|\+?=$)")


def parse(text: str, dialect: str = "bash", line: int = 1) -> Script:
    """Parse a script with the syntax and the error messages of a dialect, ``bash`` or ``dash``.

    Returns:
        The commands; with a syntax error, those of the lines before it, and its message.
    """
    return (_parse if len(text) > MAX_KEY_LENGTH else _parse_cached)(text, dialect, line)


def _parse(text: str, dialect: str, line: int) -> Script:
    if len(text) > MAX_SCRIPT_BYTES:
        return Script((), "script too long")
    return Parser(text, dialect, line).parse()


_parse_cached = lru_cache(maxsize=256)(_parse)


class Parser(CompoundParser):
    """Reads commands. Every method begins at the current token and leaves the first that is not its own."""

    def parse(self) -> Script:
        """The whole script, a line at a time."""
        done: list[Command] = []
        line: list[Command] = []
        try:
            self.advance()
            while self.token:
                if self.token != "\n":
                    line.append(self.and_or())
                    if self.token and self.token not in _SEPARATORS:
                        raise self.fail()
                    self._background(line)
                if self.token == "\n":
                    done.extend(line)
                    line = []
                if self.token:
                    self.advance()
        except SyntaxProblem as problem:
            error = message(problem, self.text, self.dialect)
            return Script(tuple(done), error, tuple(self.warnings), problem.unfinished)
        return Script((*done, *line), "", tuple(self.warnings), bool(self.warnings))

    def script(self) -> Script:
        """The commands up to the ``)`` of ``$(…)``."""
        saved = self.token, self.current, self.start, self.descriptor, self.heredocs
        self.heredocs = []
        self.advance()
        self.skip_newlines()
        try:
            commands = () if self.token == ")" else self.commands(")")
        except SyntaxProblem as problem:
            if self.dialect == "bash" and problem.kind == "end":
                raise SyntaxProblem("unclosed", ")", self.last_line) from None
            raise
        self.token, self.current, self.start, self.descriptor, self.heredocs = saved
        return Script(commands)

    def backquoted(self, text: str, line: int) -> Script:
        """The commands of a text in backquotes; bash meets their errors when it runs them, the others at once."""
        inner = Parser(text, self.dialect, line)
        inner.depth = self.depth
        inner.enter()
        script = inner.parse()
        if script.error and self.dialect != "bash":
            raise SyntaxProblem("other", script.error.partition("yntax error: ")[2], line)
        return script

    # Lists.

    def commands(self, *ends: str) -> Commands:
        """Commands up to one of the closing words; at least one."""
        self.enter()
        out: list[Command] = []
        while True:
            self.skip_newlines()
            if self._at(ends):
                if not out:
                    raise self.fail()
                break
            if not self.token:
                raise self.fail(ends[0])
            out.append(self.and_or(ends[0]))
            if self.token in _SEPARATORS:
                self._background(out)
                self.advance()
            elif not self._at(ends):
                raise self.fail(ends[0])
        self.depth -= 1
        return tuple(out)

    def _at(self, ends: tuple[str, ...]) -> bool:
        return self.token in ends and (self.current is not None or self.token in (")", ";;"))

    def _background(self, commands: list[Command]) -> None:
        if self.token == "&":
            commands[-1] = syntax.Background(commands[-1].line, command=commands[-1])

    def and_or(self, expecting: str = "") -> Command:
        """Pipelines joined by ``&&`` and ``||``."""
        commands = [self.pipeline(expecting)]
        operators: list[str] = []
        while self.token in ("&&", "||"):
            operators.append(self.token)
            self.advance()
            self.skip_newlines()
            commands.append(self.pipeline())
        if not operators:
            return commands[0]
        return syntax.AndOr(commands[0].line, (), tuple(commands), tuple(operators))

    def pipeline(self, expecting: str = "") -> Command:
        """Commands joined by ``|``, perhaps behind ``!``."""
        line = self.line_at(self.start)
        if self.is_reserved("!"):
            self.advance()
            if self.token == "!" and self.dialect != "bash":
                raise self.fail()
            self.enter()
            inner = self.pipeline(expecting)
            self.depth -= 1
            return syntax.Not(line, (), inner)
        commands = [self.command(expecting)]
        while self.token == "|":
            self.advance()
            self.skip_newlines()
            commands.append(self.command())
        return commands[0] if len(commands) == 1 else syntax.Pipeline(line, (), tuple(commands))

    # Commands.

    def command(self, expecting: str = "") -> Command:
        """One command of any kind."""
        compound = self.compound()
        if compound is not None:
            line = self.line_at(self.start)
            command = compound()
            command.line = line
            command.redirects = self._redirects()
            return command
        if self.token not in REDIRECTIONS and (self.current is None or self.is_reserved()):
            ends_list = not self.token or self.token in _LIST_ENDS
            raise self.fail(expecting if ends_list or self.dialect == "bash" else "")
        return self.simple()

    def _redirects(self) -> tuple[Redirect, ...]:
        out: list[Redirect] = []
        while self.token in REDIRECTIONS:
            out.append(self.redirect())
        return tuple(out)

    def simple(self) -> Command:
        """Assignments, words and redirections; or the definition of a function."""
        line = self.line_at(self.start)
        assignments: list[Assignment] = []
        words: list[Word | Assignment] = []
        redirects: list[Redirect] = []
        while True:
            if self.token in REDIRECTIONS:
                redirects.append(self.redirect())
                continue
            word, source = self.current, self.token
            if word is None:
                break
            declaring = bool(words) and isinstance(words[0], Word) and words[0].source in DECLARING
            assignment = self._assignment(word) if declaring or not words else None
            self.advance()
            if (
                self.token == "("
                and not assignments
                and not redirects
                and not words
                and assignment is None
            ):
                return self.function_body(line, source)
            if assignment is None:
                words.append(self.without_braces(word))
            else:
                (words if declaring else assignments).append(assignment)
        return syntax.Simple(line, tuple(redirects), tuple(assignments), tuple(words))

    def _assignment(self, word: Word) -> Assignment | None:
        """A word taken for ``name=value``, if it is one."""
        match = _ASSIGNMENT.match(word.source)
        array = self.dialect == "bash" and _ARRAY.match(word.source)
        if array and (array[1].startswith("[") or self.text.startswith("(", self.index)):
            self.left_out("arrays")
        if match is None or (match[2] and self.dialect == "dash"):
            return None
        first = word.parts[0]
        if not isinstance(first, Text) or first.quoted or len(first.text) < match.end():
            return None
        rest = first.text[match.end() :]
        parts = with_tilde([*([Text(rest)] if rest else []), *word.parts[1:]])
        return Assignment(match[1], Word(tuple(parts), word.source[match.end() :]), bool(match[2]))
