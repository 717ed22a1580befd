"""From the text of a script to its syntax tree, by recursive descent.

The grammar is here, tokens are in :mod:`.lexer` and the insides of words in :mod:`.words`:
three layers of one class, because ``$(…)`` in a word holds commands again.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from ...machinery.cache import MAX_KEY_LENGTH
from . import syntax
from .lexer import BASH_RESERVED, Lexer
from .syntax import Assignment, Command, Commands, Redirect, Script, Text, Word
from .words import SyntaxProblem, with_tilde

MAX_SCRIPT_BYTES = 128 << 10
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SEPARATORS = (";", "&", "\n")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_ARRAY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[[^]]*\]\+?=|\+?=$)")
_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}")


def parse(text: str, dialect: str = "bash", line: int = 1) -> Script:
    """Parse a script with the syntax and the error messages of a dialect, ``bash`` or ``dash``.

    Returns:
        The commands; with a syntax error, only the lines before it, and its message.
    """
    # Checkpoints and probes run the same few commands again and again.
    return (_parse if len(text) > MAX_KEY_LENGTH else _parse_cached)(text, dialect, line)


def _parse(text: str, dialect: str, line: int) -> Script:
    if len(text) > MAX_SCRIPT_BYTES:
        return Script((), "script too long")
    return Parser(text, dialect, line).parse()


_parse_cached = lru_cache(maxsize=256)(_parse)


class Parser(Lexer):
    """Reads commands. Every method begins at the current token and leaves the first that is not its own."""

    def parse(self) -> Script:
        """Read the whole script, a line at a time: the lines before an error still run."""
        whole: list[Command] = []
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
                    whole += line
                    line = []
                if self.token:
                    self.advance()
        except SyntaxProblem as problem:
            return Script(tuple(whole), str(problem), tuple(self.warnings), problem.unfinished)
        return Script((*whole, *line), "", tuple(self.warnings), bool(self.warnings))

    def script(self) -> Script:
        """Read the commands up to the ``)`` of ``$(…)``."""
        # The token that comes next is in the middle of a word, to which the reader returns.
        saved = self.token, self.current, self.start, self.descriptor, self.heredocs
        self.heredocs = []
        self.substitutions += 1
        self.advance()
        self.skip_newlines()
        commands = () if self.token == ")" else self.commands(")")
        self.substitutions -= 1
        self.token, self.current, self.start, self.descriptor, self.heredocs = saved
        return Script(commands)

    # Lists.

    def commands(self, *ends: str) -> Commands:
        """Read commands up to one of the closing words; at least one."""
        self.enter()
        outer = self.expected
        self.expected = ends[0]
        commands: list[Command] = []
        while True:
            self.skip_newlines()
            if commands and self._at(ends):
                break
            commands.append(self.and_or())
            if self.token in _SEPARATORS:
                self._background(commands)
                self.advance()
            elif not self._at(ends):
                raise self.fail(ends[0])
        self.expected = outer
        self.depth -= 1
        return tuple(commands)

    def _at(self, ends: tuple[str, ...]) -> bool:
        return self.token in ends and (self.current is not None or self.token == ")")

    def _background(self, commands: list[Command]) -> None:
        if self.token == "&":
            commands[-1] = syntax.Background(commands[-1].line, command=commands[-1])

    def skip_newlines(self) -> None:
        """Step over line ends."""
        while self.token == "\n":
            self.advance()

    def expect(self, word: str) -> None:
        """Step over a token that must come now."""
        if self.token != word:
            raise self.fail(word)
        self.advance()

    def body(self, first: str, last: str) -> Commands:
        """Read commands between two words."""
        self.expect(first)
        commands = self.commands(last)
        self.expect(last)
        return commands

    def and_or(self) -> Command:
        """Read pipelines joined by ``&&`` and ``||``."""
        commands = [self.pipeline()]
        operators: list[str] = []
        while self.token in ("&&", "||"):
            operators.append(self.token)
            self.advance()
            self.skip_newlines()
            commands.append(self.pipeline())
        if not operators:
            return commands[0]
        return syntax.AndOr(commands[0].line, (), tuple(commands), tuple(operators))

    def pipeline(self) -> Command:
        """Read commands joined by ``|``, perhaps behind ``!``."""
        line = self.line_at(self.start)
        if self.is_reserved("!"):
            self.advance()
            self.enter()
            inner = self.pipeline()
            self.depth -= 1
            return syntax.Not(line, (), inner)
        commands = [self.command()]
        while self.token == "|":
            self.advance()
            self.skip_newlines()
            commands.append(self.command())
        return commands[0] if len(commands) == 1 else syntax.Pipeline(line, (), tuple(commands))

    # Commands.

    def command(self) -> Command:
        """Read one command of any kind."""
        if self.token == "((":
            self.left_out("((…))")
        compound = self.compound()
        if compound is None:
            return self.simple()
        line = self.line_at(self.start)
        command = compound()
        command.line = line
        command.redirects = tuple(self.redirects())
        return command

    def compound(self) -> Callable[[], Command] | None:
        """Return the method that reads the compound command that begins here, if one does."""
        if self.token == "(":
            return self.subshell
        if self.current is None:
            return None
        if self.is_reserved("case", *(BASH_RESERVED if self.bash else ())):
            self.left_out(self.token)
        return {
            "if": self.if_command,
            "while": self.loop,
            "until": self.loop,
            "for": self.for_loop,
            "{": self.group,
        }.get(self.token)

    def simple(self) -> Command:
        """Read assignments, words and redirections; or the definition of a function."""
        line = self.line_at(self.start)
        assignments: list[Assignment] = []
        words: list[Word | Assignment] = []
        redirects: list[Redirect] = self.redirects()
        if not redirects and (self.current is None or self.is_reserved()):
            raise self.fail()
        while (word := self.current) is not None:
            source = self.token
            # `export` is the one builtin here whose arguments can be assignments, which are not split.
            declaring = bool(words) and isinstance(words[0], Word) and words[0].source == "export"
            assignment = self._assignment(word) if declaring or not words else None
            self.advance()
            if assignment is not None:
                (words if declaring else assignments).append(assignment)
            elif self.token == "(" and not (assignments or redirects or words):
                return self.function(line, source)
            else:
                words.append(self.without_braces(word))
            redirects += self.redirects()
        return syntax.Simple(line, tuple(redirects), tuple(assignments), tuple(words))

    def without_braces(self, word: Word) -> Word:
        """Return a word, in which bash would expand no braces: that is left out."""
        texts = (part.text for part in word.parts if isinstance(part, Text) and not part.quoted)
        # dash has no brace expansion, so `{a,b}` is a plain word there.
        if self.bash and any(map(_BRACES.search, texts)):
            self.left_out("{…,…}")
        return word

    def _assignment(self, word: Word) -> Assignment | None:
        """Return a word taken for ``name=value``, if it is one."""
        array = self.bash and _ARRAY.match(word.source)
        if array and (array[1].startswith("[") or self.text.startswith("(", self.index)):
            self.left_out("arrays")
        match = _ASSIGNMENT.match(word.source)
        first = word.parts[0] if word.parts else None
        if match is None or (match[2] and not self.bash):
            return None
        if not isinstance(first, Text) or first.quoted or len(first.text) < match.end():
            return None
        rest = first.text[match.end() :]
        parts = with_tilde([*([Text(rest)] if rest else []), *word.parts[1:]])
        return Assignment(match[1], Word(tuple(parts)), bool(match[2]))

    def function(self, line: int, name: str) -> Command:
        """Read a function's ``()`` and body, after its name."""
        self.advance()
        self.expect(")")
        self.skip_newlines()
        # A function's body is a compound command in bash, and any command in dash.
        if not self.token or (self.bash and self.compound() is None):
            raise self.fail()
        self.enter()
        body = self.command()
        self.depth -= 1
        return syntax.Function(line, (), name, body)

    def subshell(self) -> Command:
        """``( … )``."""
        return syntax.Subshell(body=self.body("(", ")"))

    def group(self) -> Command:
        """``{ …; }``."""
        return syntax.Group(body=self.body("{", "}"))

    def if_command(self) -> Command:
        """``if`` up to ``fi``."""
        branches: list[tuple[Commands, Commands]] = []
        while self.is_reserved("if", "elif"):
            self.advance()
            condition = self.commands("then")
            self.expect("then")
            branches.append((condition, self.commands("fi", "elif", "else")))
        else_body: Commands = ()
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
        return syntax.While(condition=condition, body=self.body("do", "done"), until=until)

    def for_loop(self) -> Command:
        """``for name in words``."""
        self.advance()
        if self.token == "((":
            self.left_out("for ((…))")
        name = self.token if self.current is not None else ""
        if self.bash and not name:
            raise self.fail()
        if not self.bash and not NAME.fullmatch(name):
            raise self.problem(self.line_at(self.start), "", "Bad for loop variable")
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
        items = tuple(words) if words is not None else None
        return syntax.For(name=name, words=items, body=self.body("do", "done"))
