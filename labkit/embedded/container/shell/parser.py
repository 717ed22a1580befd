"""From a script's text to its syntax tree, by recursive descent.

The grammar is here, tokens are in :mod:`.lexer` and what stands inside words in :mod:`.words`:
three layers of one class, because ``$(…)`` in a word holds commands again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from labkit.embedded.container.shell import syntax
from labkit.embedded.container.shell.braces import expand_braces
from labkit.embedded.container.shell.lexer import REDIRECTIONS, Lexer
from labkit.embedded.container.shell.syntax import (
    Assignment,
    Command,
    Commands,
    Condition,
    Redirect,
    Script,
    Text,
    Word,
)
from labkit.embedded.container.shell.syntax_errors import SyntaxProblem, message
from labkit.embedded.container.shell.words import with_tilde
from labkit.embedded.machinery.cache import MAX_KEY_LENGTH

MAX_SCRIPT_BYTES = 128 << 10

RESERVED = frozenset({
    "!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "then", "until", "while", "{", "}",
})  # fmt: skip
"""Words with a meaning of their own where a command begins."""

BASH_RESERVED = frozenset({"function", "time", "[[", "select", "coproc"})
"""Those that only bash has; busybox's ash has ``[[`` and ``function`` too."""

DECLARING = frozenset({"export", "readonly", "declare", "typeset", "local"})
"""Builtins whose arguments may be assignments."""

_SEPARATORS = (";", "&", "\n")
_CASE_ENDS = (";;", ";&", ";;&")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_ARRAY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[[^]]*\]\+?=|\+?=$)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNARY = re.compile(r"-[a-zA-Z]")


def parse(text: str, dialect: str = "bash") -> Script:
    """Parse a script.

    Args:
        text: The script.
        dialect: Whose syntax it has, and whose words an error is told in: ``bash``, ``dash`` or ``ash``.

    Returns:
        The commands; with a syntax error, those of the lines before it, and its message.
    """
    return (_parse if len(text) > MAX_KEY_LENGTH else _parse_cached)(text, dialect)


def _parse(text: str, dialect: str) -> Script:
    if len(text) > MAX_SCRIPT_BYTES:
        return Script((), "script too long")
    return Parser(text, dialect).parse()


_parse_cached = lru_cache(maxsize=256)(_parse)


class Parser(Lexer):
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
            said = message(problem, self.text, self.dialect)
            return Script(tuple(done), said, tuple(self.warnings), problem.unfinished)
        return Script((*done, *line), "", tuple(self.warnings), bool(self.warnings))

    def script(self) -> Script:
        """The commands up to the ``)`` of ``$(…)``."""
        kept = self.token, self.current, self.start, self.descriptor, self.heredocs
        self.heredocs = []
        self.advance()
        self.skip_newlines()
        try:
            commands = () if self.token == ")" else self.commands(")")
        except SyntaxProblem as problem:
            if self.dialect == "bash" and problem.kind == "end":
                raise SyntaxProblem("unclosed", ")", self.last_line) from None
            raise
        self.token, self.current, self.start, self.descriptor, self.heredocs = kept
        return Script(commands)

    def backquoted(self, text: str, line: int) -> Script:
        """The commands of a text in backquotes; bash meets their errors when it runs them, the others at once."""
        inner = Parser(text, self.dialect, line)
        inner.depth = self.depth
        inner.enter()
        found = inner.parse()
        if found.error and self.dialect != "bash":
            raise SyntaxProblem("other", found.error.partition("yntax error: ")[2], line)
        return found

    def is_reserved(self, *words: str) -> bool:
        """Whether the current token is one of the reserved words, or any of them if none is given."""
        if self.current is None:
            return False
        if words:
            return self.token in words
        return self.token in RESERVED or (self.dialect == "bash" and self.token in BASH_RESERVED)

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
        return self.token in ends and (self.current is not None or self.token in (")", *_CASE_ENDS))

    def _background(self, commands: list[Command]) -> None:
        if self.token == "&":
            commands[-1] = syntax.Background(commands[-1].line, command=commands[-1])

    def skip_newlines(self) -> None:
        """Step over line ends."""
        while self.token == "\n":
            self.advance()

    def expect(self, word: str) -> None:
        """Step over a reserved word that must stand here."""
        if self.token != word:
            raise self.fail(word)
        self.advance()

    def and_or(self, expecting: str = "") -> Command:
        """Pipelines joined by ``&&`` and ``||``."""
        left = self.pipeline(expecting)
        while self.token in ("&&", "||"):
            operator = self.token
            self.advance()
            self.skip_newlines()
            left = syntax.AndOr(left.line, (), left, operator, self.pipeline())
        return left

    def pipeline(self, expecting: str = "") -> Command:
        """Commands joined by ``|``, perhaps behind ``!`` or ``time``."""
        line = self.line_at(self.start)
        if self.is_reserved("!") or (self.dialect == "bash" and self.is_reserved("time")):
            kind = syntax.Not if self.token == "!" else syntax.Timed
            self.advance()
            if self.token in ("", ";", "\n"):
                return kind(line, (), syntax.Simple(line))
            self.enter()
            inner = self.pipeline(expecting)
            self.depth -= 1
            return kind(line, (), inner)
        commands = [self.command(expecting)]
        errors: list[bool] = []
        while self.token in ("|", "|&"):
            errors.append(self.token == "|&")
            self.advance()
            self.skip_newlines()
            commands.append(self.command())
        if not errors:
            return commands[0]
        return syntax.Pipeline(line, (), tuple(commands), (*errors, False))

    # Commands.

    def command(self, expecting: str = "") -> Command:
        """One command of any kind."""
        compound = self._compound()
        if compound is not None:
            line = self.line_at(self.start)
            found = compound()
            found.line = line
            if not isinstance(found, syntax.Simple | syntax.Function):
                found.redirects = self._redirects()
            return found
        if self.token not in REDIRECTIONS and (self.current is None or self.is_reserved()):
            raise self.fail(expecting)
        return self.simple()

    def _compound(self) -> Callable[[], Command] | None:
        """What reads the compound command that begins here."""
        if self.token == "((":
            return self.double_parentheses
        if self.token == "(":
            return self.subshell
        if self.current is None:
            return None
        if self.dialect != "dash":
            if self.token == "[[":
                return self.double_bracket
            if self.token == "function":
                return self.function
            if self.dialect == "bash" and self.token in ("select", "coproc"):
                self.left_out(self.token)
        return {
            "if": self.if_command,
            "while": self.loop,
            "until": self.loop,
            "for": self.for_loop,
            "case": self.case,
            "{": self.group,
        }.get(self.token)

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
            if self.token == "(" and not assignments and not redirects and not words and assignment is None:
                return self._function_body(line, source)
            if assignment is None:
                words.extend(expand_braces(word) if self.dialect == "bash" else [word])
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

    def _function_body(self, line: int, name: str) -> Command:
        self.advance()
        if self.token != ")":
            raise self.fail()
        self.advance()
        self.skip_newlines()
        if not self.token:
            raise self.fail()
        self.enter()
        body = self.command()
        self.depth -= 1
        return syntax.Function(line, (), name, body)

    def function(self) -> Command:
        """``function name``, with or without ``()``."""
        line = self.line_at(self.start)
        self.advance()
        if self.current is None:
            raise self.fail()
        name = self.token
        self.advance()
        if self.token == "(":
            return self._function_body(line, name)
        self.skip_newlines()
        return syntax.Function(line, (), name, self.command())

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
        """``(( … ))``, or two subshells that begin together."""
        start = self.index
        expression = self.arithmetic(start)
        if expression is None:
            self.index, self.token = start - 1, "("
            return self.subshell()
        self.advance()
        return syntax.ArithmeticCommand(expression=expression)

    def if_command(self) -> Command:
        """``if`` up to ``fi``."""
        branches: list[tuple[Commands, Commands]] = []
        while self.is_reserved("if", "elif"):
            self.advance()
            condition = self.commands("then")
            self.expect("then")
            branches.append((condition, self.commands("fi", "elif", "else")))
        otherwise = None
        if self.is_reserved("else"):
            self.advance()
            otherwise = self.commands("fi")
        self.expect("fi")
        return syntax.If(branches=tuple(branches), otherwise=otherwise)

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
        """``for name in words`` or ``for ((…))``."""
        self.advance()
        if self.token == "((":
            return self._arithmetic_for()
        name, is_word = self.token, self.current is not None
        if self.dialect == "bash" and not is_word:
            raise self.fail()
        if not is_word or not _NAME.fullmatch(name):
            bad = f"`{name}': not a valid identifier" if self.dialect == "bash" else "Bad for loop variable"
            raise SyntaxProblem("other", bad, self.line_at(self.start))
        self.advance()
        self.skip_newlines()
        words: list[Word] | None = None
        if self.is_reserved("in"):
            words = []
            self.advance()
            while self.current is not None:
                words.extend(expand_braces(self.current) if self.dialect == "bash" else [self.current])
                self.advance()
            if self.token not in (";", "\n"):
                raise self.fail("do" if self.dialect != "bash" else "")
        if self.token == ";":
            self.advance()
        self.skip_newlines()
        listed = tuple(words) if words is not None else None
        return syntax.For(name=name, words=listed, body=self._loop_body())

    def _loop_body(self) -> Commands:
        """``do … done``, or ``{ … }``, which bash takes too."""
        if self.dialect == "bash" and self.is_reserved("{"):
            self.advance()
            body = self.commands("}")
            self.expect("}")
            return body
        return self._do()

    def _arithmetic_for(self) -> Command:
        start = self.index
        parts: list[Word] = []
        for end in ";;)":
            parts.append(self.expression(end))
            if self.index >= len(self.text):
                self.unclosed(")", start)
            self.index += 1
        if not self.text.startswith(")", self.index):
            raise SyntaxProblem("token", "((", self.line_at(start))
        self.index += 1
        self.advance()
        if self.token == ";":
            self.advance()
        self.skip_newlines()
        first, test, step = parts
        return syntax.ArithmeticFor(start=first, test=test, step=step, body=self._loop_body())

    def case(self) -> Command:
        """``case word in … esac``."""
        self.advance()
        if self.current is None:
            raise self.fail()
        word = self.current
        self.advance()
        self.skip_newlines()
        self.expect("in")
        self.skip_newlines()
        items: list[syntax.CaseItem] = []
        while not self.is_reserved("esac"):
            items.append(self._case_item())
            self.skip_newlines()
        self.advance()
        return syntax.Case(word=word, items=tuple(items))

    def _case_item(self) -> syntax.CaseItem:
        if self.token == "(":
            self.advance()
        patterns: list[Word] = []
        while True:
            if self.current is None:
                raise self.fail("" if patterns or self.dialect == "dash" else "esac")
            patterns.append(self.current)
            self.advance()
            if self.token != "|":
                break
            self.advance()
        self.expect(")")
        self.skip_newlines()
        body: Commands = ()
        if self.token not in _CASE_ENDS and not self.is_reserved("esac"):
            body = self.commands(";;", ";&", ";;&", "esac")
        end = ";;"
        if self.token in _CASE_ENDS:
            end = self.token
            self.advance()
        return syntax.CaseItem(tuple(patterns), body, end)

    # Conditions.

    def double_bracket(self) -> Command:
        """``[[ … ]]``."""
        self.advance(condition=True)
        condition = self._either()
        if not self.is_reserved("]]"):
            raise self._condition_problem()
        self.advance()
        return syntax.Test(condition=condition)

    def _condition_problem(self) -> SyntaxProblem:
        if not self.token:
            return self.fail()
        return SyntaxProblem("token", self.token.replace("\n", "newline"), self.line_at(self.start))

    def _either(self) -> Condition:
        left = self._both()
        while self.token == "||":
            self.advance(condition=True)
            left = Condition("||", (left, self._both()))
        return left

    def _both(self) -> Condition:
        left = self._one()
        while self.token == "&&":
            self.advance(condition=True)
            left = Condition("&&", (left, self._one()))
        return left

    def _one(self) -> Condition:
        self.enter()
        try:
            while self.token == "\n":
                self.advance(condition=True)
            if self.token == "!":
                self.advance(condition=True)
                return Condition("!", (self._one(),))
            if self.token == "(":
                self.advance(condition=True)
                inner = self._either()
                if self.token != ")":
                    raise self._condition_problem()
                self.advance(condition=True)
                return inner
            return self._comparison()
        finally:
            self.depth -= 1

    def _comparison(self) -> Condition:
        operator = self.token
        first = self._operand()
        if self.current is None and self.token not in ("<", ">"):
            return Condition("-n", (first,))
        if self.is_reserved("]]"):
            return Condition("-n", (first,))
        if _UNARY.fullmatch(operator) and self.token not in ("<", ">", "=", "==", "!="):
            return Condition(operator, (self._operand(),))
        operator = self.token
        if operator == "=~":
            self.left_out("[[ … =~ … ]]")
        self.advance(condition=True)
        return Condition(operator, (first, self._operand()))

    def _operand(self) -> Word:
        if self.current is None or self.is_reserved("]]"):
            raise self._condition_problem()
        found = self.current
        self.advance(condition=True)
        return found
