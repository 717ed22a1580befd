"""Words of a script: quotes, ``$`` expansions, backquotes. The lower half of the parser."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NoReturn

from labkit.embedded.container.shell.quoting import unescape
from labkit.embedded.container.shell.syntax import (
    Arithmetic,
    Parameter,
    Part,
    Script,
    Substitution,
    Text,
    Tilde,
    Word,
)
from labkit.embedded.container.shell.syntax_errors import SyntaxProblem

MAX_NESTING = 40
WORD_ENDS = " \t\n;&|()<>"
"""Characters that end a word unless they are quoted."""

_PLAIN = re.compile(r"[A-Za-z0-9_./:,+@%=~#{}\[\]*?!^-]+")
"""Characters without a meaning inside a word; some have one at its start."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]")
_TILDE = re.compile(r"~([A-Za-z0-9_.-]*)(?=[/:]|$)")
_OPERATORS = (":-", ":=", ":?", ":+", "##", "%%", "-", "=", "?", "+", "#", "%")
_MORE_ESCAPES = {'"': '"', "}": '}"'}
"""The further characters that a backslash escapes, by the end of the quoted text."""


class WordReader:
    """Reads words at a position of a text; each dialect knows other expansions."""

    def __init__(self, text: str, dialect: str, line: int = 1) -> None:
        self.text = text
        self.dialect = dialect
        self.index = 0
        self.depth = 0
        self._first_line = line
        self._line_ends = [place for place, char in enumerate(text) if char == "\n"]

    def line_at(self, index: int) -> int:
        """The number of the line of a position."""
        return self._first_line + bisect_left(self._line_ends, index)

    @property
    def last_line(self) -> int:
        """The line at which bash reports the end of the script: the one after its last newline."""
        return self.line_at(len(self.text)) + (0 if self.text.endswith("\n") else 1)

    def script(self) -> Script:
        """The commands up to the ``)`` of ``$(…)``; the grammar has them."""
        raise NotImplementedError

    def backquoted(self, text: str, line: int) -> Script:
        """The commands of a text in backquotes; the grammar has them."""
        raise NotImplementedError

    def left_out(self, what: str) -> NoReturn:
        """Raise ``SyntaxProblem`` for syntax that is not simulated."""
        raise SyntaxProblem("left-out", what, self.line_at(self.index))

    def unclosed(self, token: str, start: int) -> NoReturn:
        """Raise ``SyntaxProblem`` for quotes or brackets opened at ``start`` and never closed."""
        line = self.line_at(start) if self.dialect == "bash" else self.line_at(len(self.text))
        raise SyntaxProblem("unclosed", token, line)

    def enter(self) -> None:
        """Go one level deeper; ``SyntaxProblem`` if that is too deep."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise SyntaxProblem("other", "too deeply nested", self.line_at(self.index))

    def word(self, ends: str = WORD_ENDS) -> Word:
        """The unquoted word that begins here, up to an unquoted character of ``ends``."""
        start = self.index
        parts = self.unquoted(ends)
        return Word(tuple(with_tilde(parts)), self.text[start : self.index])

    def unquoted(self, ends: str) -> list[Part]:
        """The parts of a word up to one of the characters that end it."""
        text = self.text
        out: list[Part] = []
        plain = ""
        while self.index < len(text):
            match = _PLAIN.match(text, self.index)
            if match is not None and not set(ends) & set(match[0]):
                plain += match[0]
                self.index = match.end()
                continue
            char = text[self.index]
            if char in ends:
                break
            if char not in "\\'\"`$":
                plain += char
                self.index += 1
                continue
            if plain:
                out.append(Text(plain))
                plain = ""
            out.extend(self._special(char))
        if plain:
            out.append(Text(plain))
        return out

    def _special(self, char: str) -> list[Part]:
        """The parts that begin with a backslash, a quote, a backquote or a ``$`` outside quotes."""
        text, start = self.text, self.index
        if char == "\\":
            self.index = min(start + 2, len(text))
            following = text[start + 1 : start + 2]
            return [] if following == "\n" else [Text(following or "\\", quoted=True)]
        if char == "'":
            end = text.find("'", start + 1)
            if end < 0:
                self.unclosed("'", start)
            self.index = end + 1
            return [Text(text[start + 1 : end], quoted=True)]
        if char == '"':
            self.index = start + 1
            inner = self.quoted('"')
            if self.index >= len(text):
                self.unclosed('"', start)
            self.index += 1
            return inner or [Text("", quoted=True)]
        if char == "$" and self.dialect != "dash" and text.startswith("'", start + 1):
            return [self._ansi_c()]
        if char == "$" and self.dialect == "bash" and text.startswith('"', start + 1):
            self.index = start + 1
            return self._special('"')
        return [self._expansion(quoted=False)]

    def quoted(self, ends: str, *, nested: bool = False) -> list[Part]:
        """The parts of a text as double quotes read it, up to one of ``ends``, or to its end as in a here-document.

        If ``nested``, brackets within it must close first, and quotes in it are left out, as in ``$((…))``.
        """
        text = self.text
        out: list[Part] = []
        plain: list[str] = []
        brackets = 0
        while self.index < len(text):
            char = text[self.index]
            if char in ends and not brackets:
                break
            if char in "`$":
                if plain:
                    out.append(Text("".join(plain), quoted=True))
                    plain.clear()
                out.append(self._expansion(quoted=True))
                continue
            if char == "\\":
                following = text[self.index + 1 : self.index + 2]
                escapes = "$`\\\n" + _MORE_ESCAPES.get(ends, "")
                plain.append(following.strip("\n") if following in escapes else "\\" + following)
                self.index += 2
                continue
            brackets += (char == "(") - (char == ")") if nested else 0
            if char != '"' or ends in ("", '"'):
                plain.append(char)
            self.index += 1
        self.index = min(self.index, len(text))
        if plain:
            out.append(Text("".join(plain), quoted=True))
        return out

    def _expansion(self, *, quoted: bool) -> Part:
        """The part that begins with a ``$`` or a backquote."""
        text, start = self.text, self.index
        if text[start] == "`":
            return self._backquotes(quoted=quoted)
        if text.startswith("$((", start):
            expression = self.arithmetic(start + 3)
            if expression is not None:
                return Arithmetic(expression, quoted)
        if text.startswith("$(", start):
            self.index = start + 2
            self.enter()
            script = self.script()
            self.depth -= 1
            return Substitution(script, quoted)
        if text.startswith("${", start):
            self.enter()
            parameter = self._braced(quoted=quoted)
            self.depth -= 1
            return parameter
        if text.startswith("$[", start) and self.dialect == "bash":
            self.left_out("$[…]")
        match = _NAME.match(text, start + 1)
        if match is None:
            self.index = start + 1
            return Text("$", quoted=quoted)
        name = match[0][:1] if match[0].isdigit() else match[0]
        self.index = start + 1 + len(name)
        return Parameter(name, quoted)

    def arithmetic(self, start: int) -> Word | None:
        """The expression of ``$((…))`` or ``((…))``, or None if its brackets close one by one, as commands' do."""
        self.index = start
        self.enter()
        parts = self.quoted(")", nested=True)
        self.depth -= 1
        if self.index >= len(self.text):
            self.unclosed(")", start)
        if not self.text.startswith("))", self.index):
            return None
        self.index += 2
        return Word(tuple(parts), self.text[start : self.index - 2])

    def _backquotes(self, *, quoted: bool) -> Part:
        text, start = self.text, self.index
        script: list[str] = []
        index = start + 1
        while index < len(text) and text[index] != "`":
            following = text[index + 1 : index + 2]
            if text[index] == "\\" and following and following in ('$`\\"' if quoted else "$`\\"):
                index += 1
            script.append(text[index])
            index += 1
        if index >= len(text):
            self.unclosed("`", start)
        self.index = index + 1
        return Substitution(self.backquoted("".join(script), self.line_at(start)), quoted)

    def _braced(self, *, quoted: bool) -> Parameter:
        """``${…}``."""
        text, start = self.text, self.index
        self.index += 2
        if self.dialect == "bash" and re.match(r"![A-Za-z_0-9]", text[self.index : self.index + 2]):
            self.left_out("${!name}")
        length = re.match(r"#([A-Za-z_]\w*|\d+|[@*#?$!-])[}\[]", text[self.index :]) is not None
        self.index += length
        match = _NAME.match(text, self.index)
        if match is None:
            return self._bad(start)
        name = match[0]
        self.index = match.end()
        if self.dialect == "bash" and text.startswith("[", self.index):
            self.left_out("arrays")
        if text.startswith("}", self.index):
            self.index += 1
            return Parameter(name, quoted, "length" if length else "")
        operator = next((one for one in _OPERATORS if text.startswith(one, self.index)), "")
        if (
            self.dialect == "bash"
            and not operator
            and text.startswith(("@", ":", "/", "^", ","), self.index)
        ):
            self.left_out(f"${{name{text[self.index]}…}}")
        if not operator or length:
            return self._bad(start)
        self.index += len(operator)
        start_of_word = self.index
        if quoted and operator[-1] in "-=?+":
            operand = Word(tuple(self.quoted("}")), text[start_of_word : self.index])
        else:
            operand = self.word("}")
        if not text.startswith("}", self.index):
            self.unclosed("}", start)
        self.index += 1
        return Parameter(name, quoted, operator, operand)

    def _bad(self, start: int) -> Parameter:
        """An invalid ``${…}``; the error is reported when it is expanded."""
        self.unquoted("}")
        if self.index >= len(self.text):
            self.unclosed("}", start)
        self.index += 1
        return Parameter(self.text[start : self.index], operator="bad")

    def _ansi_c(self) -> Text:
        """``$'…'``."""
        match = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL).match(self.text, self.index)
        if match is None:
            self.unclosed("'", self.index)
        self.index = match.end()
        return Text(unescape(match[1], "ansi-c")[0], quoted=True)


def with_tilde(parts: list[Part]) -> list[Part]:
    """A word's parts with the ``~`` or ``~user`` at its start made a :class:`Tilde`."""
    first = parts[0] if parts else None
    if not isinstance(first, Text) or first.quoted:
        return parts
    match = _TILDE.match(first.text)
    if match is None or (match.end() == len(first.text) and len(parts) > 1):
        return parts
    rest = first.text[match.end() :]
    return [Tilde(match[1]), *([Text(rest)] if rest else []), *parts[1:]]
