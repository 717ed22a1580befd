"""Words of a script: quotes, ``$`` expansions, backquotes. The lower half of the parser."""

import re
from abc import ABC, abstractmethod
from bisect import bisect_left
from typing import NoReturn

from .quoting import unescape
from .syntax import Arithmetic, Parameter, Part, Script, Substitution, Text, Tilde, Word

MAX_NESTING = 40
WORD_ENDS = " \t\n;&|()<>"
"""Characters that end a word unless they are quoted."""

_PLAIN = re.compile(r"[A-Za-z0-9_./:,+@%=~#{}\[\]*?!^-]+")
"""Characters without a meaning inside a word; some have one at its start."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_BRACED = re.compile(r"(#?)([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(:?[-=?+]|##?|%%?|(?=\}))")
_BASH_BRACED = re.compile(r"(!)[A-Za-z_0-9]|#?[A-Za-z_][A-Za-z0-9_]*([\[@:/^,])|[@*]([@:/^,])")
_ANSI_C = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_TILDE = re.compile(r"~([A-Za-z0-9_.-]*)(?=[/:]|$)")
_DASH_UNCLOSED = {
    **dict.fromkeys("'\"", "Unterminated quoted string"),
    "`": "EOF in backquote substitution",
    "}": "Missing '}'",
    ")": "Missing '))'",
}
_MORE_ESCAPES = {'"': '"', "}": '}"'}
"""The further characters that a backslash escapes, by the end of the quoted text."""


class SyntaxProblem(Exception):
    """A script that cannot be parsed; its text is the shell's message without its own name.

    If it is ``unfinished``, further lines could complete the script.
    """

    def __init__(self, message: str, *, unfinished: bool = False) -> None:
        super().__init__(message)
        self.unfinished = unfinished


class WordReader(ABC):
    """Reads words at a position of a text; each dialect has its own expansions."""

    def __init__(self, text: str, dialect: str, line: int = 1) -> None:
        self.text = text
        self.dialect = dialect
        self.bash = dialect == "bash"
        self.index = 0
        self.depth = 0
        self._first_line = line
        # The positions are looked up by bisection: counting the lines before each token would make
        # long scripts quadratic.
        self._line_ends = [match.start() for match in re.finditer("\n", text)]

    def line_at(self, index: int) -> int:
        """Return the number of the line of a position."""
        return self._first_line + bisect_left(self._line_ends, index)

    @property
    def last_line(self) -> int:
        """The line at which bash reports the end of the script: the one after its last newline."""
        return self.line_at(len(self.text)) + (not self.text.endswith("\n"))

    @abstractmethod
    def script(self) -> Script:
        """Read the commands up to the ``)`` of ``$(…)``; the grammar, one level up, has them."""

    @abstractmethod
    def parse(self) -> Script:
        """Read all commands of the text."""

    def lead(self, line: int) -> str:
        """Return the beginning of a message about a line."""
        return f"line {line}: " if self.bash else f"{line}: "

    def problem(
        self, line: int, bash: str, dash: str, *, unfinished: bool = False
    ) -> SyntaxProblem:
        """Return a syntax error with the message of one of the shells."""
        message = bash if self.bash else f"Syntax error: {dash}"
        return SyntaxProblem(self.lead(line) + message, unfinished=unfinished)

    def left_out(self, syntax: str) -> NoReturn:
        """Raise ``SyntaxProblem`` for syntax that is not simulated."""
        lead = self.lead(self.line_at(self.index))
        raise SyntaxProblem(f"{lead}{syntax}: not simulated in this lab's pods")

    def unclosed(self, token: str, start: int) -> NoReturn:
        """Raise ``SyntaxProblem`` for quotes or brackets opened at ``start`` and never closed."""
        line = self.line_at(start if self.bash else len(self.text))
        message = f"unexpected EOF while looking for matching `{token}'"
        raise self.problem(line, message, _DASH_UNCLOSED[token], unfinished=True)

    def enter(self) -> None:
        """Go one level deeper; ``SyntaxProblem`` if that is too deep for Python's own stack."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            message = "too deeply nested"
            raise self.problem(self.line_at(self.index), f"syntax error: {message}", message)

    def word(self, ends: str = WORD_ENDS) -> Word:
        """Read the unquoted word that begins here, up to an unquoted character of ``ends``."""
        start = self.index
        parts: list[Part] = []
        plain = ""
        while (char := self.text[self.index : self.index + 1]) and char not in ends:
            match = _PLAIN.match(self.text, self.index)
            # Within `${…}` a brace ends the word, elsewhere it is plain.
            if match is not None and not set(ends) & set(match[0]):
                plain += match[0]
                self.index = match.end()
            elif char not in "\\'\"`$":
                plain += char
                self.index += 1
            else:
                parts += [Text(plain)] if plain else []
                plain = ""
                parts += self._special(char)
        parts += [Text(plain)] if plain else []
        return Word(tuple(with_tilde(parts)), self.text[start : self.index])

    def _special(self, char: str) -> list[Part]:
        """Read the parts that begin with a backslash, a quote, a backquote or a ``$`` outside quotes."""
        text = self.text
        start = self.index
        if char == "\\":
            self.index = min(start + 2, len(text))
            following = text[start + 1 : start + 2]
            return [] if following == "\n" else [Text(following or "\\", quoted=True)]
        if char == "'":
            self.index = text.find("'", start + 1) + 1
            if not self.index:
                self.unclosed("'", start)
            return [Text(text[start + 1 : self.index - 1], quoted=True)]
        if char == '"':
            self.index = start + 1
            parts = self.quoted('"')
            self._close('"', start)
            return parts or [Text("", quoted=True)]
        if self.bash and text.startswith("$'", start):
            match = _ANSI_C.match(text, start)
            if match is None:
                self.unclosed("'", start)
            self.index = match.end()
            return [Text(unescape(match[1], "ansi-c")[0], quoted=True)]
        # `$"…"` is a translated text in bash, and a dollar sign in dash.
        if self.bash and text.startswith(('$"', "$["), start):
            self.left_out("$[…]" if text[start + 1] == "[" else '$"…"')
        return [self._expansion(quoted=False)]

    def _close(self, token: str, start: int) -> None:
        """Step over the bracket or quote opened at ``start``."""
        if not self.text.startswith(token, self.index):
            self.unclosed(token, start)
        self.index += 1

    def quoted(self, ends: str, *, nested: bool = False) -> list[Part]:
        """Read a text as double quotes do, up to one of ``ends``, or to its end as in a here-document.

        If ``nested``, brackets within it must close first, and quotes in it are left out, as in ``$((…))``.
        """
        text = self.text
        parts: list[Part] = []
        plain = ""
        brackets = 0
        while (char := text[self.index : self.index + 1]) and (brackets or char not in ends):
            if char in "`$":
                parts += [Text(plain, quoted=True)] if plain else []
                plain = ""
                parts.append(self._expansion(quoted=True))
                continue
            self.index += 1
            if char == "\\":
                following = text[self.index : self.index + 1]
                escaped = following in "$`\\\n" + _MORE_ESCAPES.get(ends, "")
                plain += following.strip("\n") if escaped else "\\" + following
                self.index += len(following)
                continue
            brackets += (char == "(") - (char == ")") if nested else 0
            if char != '"' or ends in ("", '"'):
                plain += char
        return [*parts, Text(plain, quoted=True)] if plain else parts

    def _expansion(self, *, quoted: bool) -> Part:
        """Read the part that begins with a ``$`` or a backquote."""
        text = self.text
        start = self.index
        if text[start] == "`":
            return self._backquotes(quoted=quoted)
        self.enter()
        try:
            if text.startswith("$((", start):
                return self._arithmetic(quoted=quoted)
            if text.startswith("$(", start):
                self.index = start + 2
                return Substitution(self.script(), quoted)
            if text.startswith("${", start):
                return self._braced(quoted=quoted)
        finally:
            self.depth -= 1
        match = _NAME.match(text, start + 1)
        if match is None:
            self.index = start + 1
            return Text("$", quoted=quoted)
        self.index = match.end()
        return Parameter(match[0], quoted)

    def _arithmetic(self, *, quoted: bool) -> Arithmetic:
        start = self.index
        self.index += 3
        parts = self.quoted(")", nested=True)
        end = self.index
        if end >= len(self.text):
            self.unclosed(")", start)
        if not self.text.startswith("))", end):
            # A subshell at the start of `$(…)`: bash tries arithmetic first, then reads it again as commands.
            self.left_out("$((…) …)")
        self.index += 2
        return Arithmetic(Word(tuple(parts), self.text[start + 3 : end]), quoted)

    def _backquotes(self, *, quoted: bool) -> Substitution:
        start = self.index
        escaped = r'[$`\\"]' if quoted else r"[$`\\]"
        match = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL).match(self.text, start)
        if match is None:
            self.unclosed("`", start)
        self.index = match.end()
        text = re.sub(rf"\\({escaped})", r"\1", match[1])
        inner = type(self)(text, self.dialect, self.line_at(start))
        # Backquotes nest through new readers, so the depth is handed on.
        inner.depth = self.depth
        inner.enter()
        # Bash reports an error in it when it comes to run it, and so do we for dash.
        return Substitution(inner.parse(), quoted)

    def _braced(self, *, quoted: bool) -> Parameter:
        """``${…}``; an invalid one is reported when it is expanded."""
        start = self.index
        self.index += 2
        match = _BRACED.match(self.text, self.index)
        if match is None or (match[1] and match[3]):
            bash = self.bash and _BASH_BRACED.match(self.text, self.index)
            if bash:
                operator = next(filter(None, bash.groups()))
                names = {"!": "${!name}", "[": "arrays"}
                self.left_out(names.get(operator, f"${{name{operator}…}}"))
            self.word("}")
            self._close("}", start)
            return Parameter(self.text[start : self.index], operator="bad")
        self.index = match.end()
        operator = "length" if match[1] else match[3]
        # Quotes around `${…}` hold for a word that replaces the value, but not for a pattern.
        in_quotes = quoted and operator[-1:] in ("-", "=", "?", "+")
        operand = Word(tuple(self.quoted("}"))) if in_quotes else self.word("}")
        self._close("}", start)
        return Parameter(match[2], quoted, operator, operand)


def with_tilde(parts: list[Part]) -> list[Part]:
    """Return a word's parts with the ``~`` or ``~user`` at its start made a :class:`Tilde`."""
    first = parts[0] if parts else None
    if not isinstance(first, Text) or first.quoted:
        return parts
    match = _TILDE.match(first.text)
    if match is None or (match.end() == len(first.text) and len(parts) > 1):
        return parts
    rest = first.text[match.end() :]
    return [Tilde(match[1]), *([Text(rest)] if rest else []), *parts[1:]]
