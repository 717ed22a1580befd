"""Tokens of a script: operators, words, redirections' numbers, here-documents."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.syntax import Redirect, Text, Word
from labkit.embedded.container.shell.syntax_errors import SyntaxProblem
from labkit.embedded.container.shell.words import WordReader

_POSIX = (
    "<<-",
    "&&",
    "||",
    ";;",
    "<<",
    ">>",
    "<&",
    ">&",
    "<>",
    ">|",
    "<",
    ">",
    ";",
    "&",
    "|",
    "(",
    ")",
)
_BASH_LEFT_OUT = (";;&", ";&", "|&")
_BASH = ("&>>", "<<<", "&>", *_BASH_LEFT_OUT, "((")
OPERATORS = {"bash": (*_BASH, *_POSIX), "dash": _POSIX}
REDIRECTIONS = frozenset({"<", ">", "<<", "<<-", "<<<", ">>", "<&", ">&", "<>", ">|", "&>", "&>>"})

RESERVED = frozenset({
    "!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "then", "until", "while", "{", "}",
})  # fmt: skip
"""Words with a meaning of their own where a command begins."""

BASH_RESERVED = frozenset({"function", "time", "[[", "select", "coproc"})
"""Reserved words that only bash has; all of them are left out."""

_BLANK = re.compile(r"(?:[ \t]|\\\n|#[^\n]*)*")
_NUMBER = re.compile(r"\d+(?=[<>])")
_TABS = re.compile(r"^\t+", re.MULTILINE)


class Lexer(WordReader):
    """Reads one token after the other; each dialect knows other operators."""

    def __init__(self, text: str, dialect: str, line: int = 1) -> None:
        super().__init__(text, dialect, line)
        self.token = ""
        """The operator or the word as it is written; ``""`` at the end, ``"\\n"`` at a line's end."""
        self.current: Word | None = None
        """The token, if it is a word."""
        self.start = 0
        self.descriptor = -1
        """The number in front of a redirection, -1 for none."""
        self._ended = text.endswith("\n") or not text
        self.heredocs: list[tuple[Redirect, str, int]] = []
        """The here-documents whose text begins on the next line, with their operator and line."""
        self.warnings: list[str] = []

    def fail(self, expecting: str = "") -> SyntaxProblem:
        """The error of a token that cannot stand here."""
        if not self.token:
            line = self.last_line if self.dialect == "bash" else self.line_at(len(self.text))
            return SyntaxProblem("end", "", line, expecting)
        token, kind = self.token, ""
        if token == "\n":
            token = kind = "newline"
        elif self.current is not None and not self.is_reserved():
            kind = "word"
        elif token in REDIRECTIONS:
            kind = "redirection"
        return SyntaxProblem("token", token, self.line_at(self.start), expecting, kind)

    def is_reserved(self, *words: str) -> bool:
        """Whether the current token is one of the reserved words, or any of them if none is given."""
        if self.current is None:
            return False
        if words:
            return self.token in words
        return self.token in RESERVED or (self.dialect == "bash" and self.token in BASH_RESERVED)

    def advance(self) -> None:
        """Read the next token."""
        text = self.text
        blank = _BLANK.match(text, self.index)
        self.index = blank.end() if blank is not None else self.index
        self.start, self.descriptor, self.current = self.index, -1, None
        if self.index >= len(text) and (self._ended or self.dialect != "bash"):
            self.token = ""
            self._read_heredocs()
            return
        if self.index >= len(text) or text[self.index] == "\n":
            # Bash ends the last line itself if the script does not.
            self._ended = self.index >= len(text) - 1
            self.token = "\n"
            self.index = min(self.index + 1, len(text))
            self._read_heredocs()
            return
        number = _NUMBER.match(text, self.index)
        place = number.end() if number is not None else self.index
        operator = next((one for one in OPERATORS[self.dialect] if text.startswith(one, place)), "")
        if (
            operator[:1] in ("<", ">")
            and text.startswith("(", place + 1)
            and self.dialect != "dash"
        ):
            self.left_out(f"{operator[:1]}(…)")
        if operator in _BASH_LEFT_OUT:
            self.left_out(operator)
        if operator and (number is None or operator in REDIRECTIONS):
            self.descriptor = min(int(number[0][:6]), 1000) if number is not None else -1
            self.index = place + len(operator)
            self.token = operator
            return
        self.current = self.word()
        self.token = text[self.start : self.index]

    def redirect(self) -> Redirect:
        """The redirection that begins with the current token."""
        operator, descriptor = self.token, self.descriptor
        line = self.line_at(self.start)
        self.advance()
        if self.current is None:
            raise self.fail()
        redirect = Redirect("<<" if operator == "<<-" else operator, descriptor, self.current)
        if redirect.operator == "<<":
            self.heredocs.append((redirect, operator, line))
        self.advance()
        return redirect

    def _read_heredocs(self) -> None:
        """Step over the texts of the here-documents begun on the line before."""
        pending, self.heredocs = self.heredocs, []
        for redirect, operator, line in pending:
            delimiter = "".join(
                part.text for part in redirect.target.parts if isinstance(part, Text)
            )
            quoted = any(isinstance(part, Text) and part.quoted for part in redirect.target.parts)
            start = stop = self.index
            while self.index < len(self.text):
                end = self.text.find("\n", self.index)
                end = len(self.text) if end < 0 else end
                row = self.text[self.index : end]
                self.index = min(end + 1, len(self.text))
                if (row.lstrip("\t") if operator == "<<-" else row) == delimiter:
                    break
                stop = self.index
            else:
                self.warnings.append(
                    f"line {self.line_at(self.index)}: warning: here-document at line {line} delimited by "
                    f"end-of-file (wanted `{delimiter}')"
                )
            body = self.text[start:stop]
            body = _TABS.sub("", body) if operator == "<<-" else body
            redirect.target = self._document(body, self.line_at(start), quoted=quoted)

    def _document(self, body: str, line: int, *, quoted: bool) -> Word:
        """A here-document's text: taken as it is if its delimiter is quoted."""
        if quoted:
            return Word((Text(body, quoted=True),))
        inner = type(self)(body, self.dialect, line)
        return Word(tuple(inner.quoted("")), body)
