"""Tokens of a script: operators, words, redirections' numbers, here-documents."""

import re

from .syntax import Redirect, Text, Word
from .words import SyntaxProblem, WordReader

# An operator must precede its own beginnings: `>>` before `>`.
_POSIX = r"<>|<<-|&&|\|\||;;|<<|>>|<&|>&|>\||<|>|;|&|\||\(|\)"
_BASH_LEFT_OUT = r";;&|;&|\|&"
OPERATORS = {
    "bash": re.compile(rf"&>>|<<<|&>|{_BASH_LEFT_OUT}|\(\(|{_POSIX}"),
    "dash": re.compile(_POSIX),
}
REDIRECTIONS = frozenset({"<", ">", "<<", "<<-", "<<<", ">>", "<&", ">&", "<>", ">|", "&>", "&>>"})

RESERVED = frozenset({
    "!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "then", "until", "while", "{", "}",
})  # fmt: skip
"""Words with a meaning of their own where a command begins."""

BASH_RESERVED = frozenset({"function", "time", "[[", "select", "coproc"})
"""Reserved words that only bash has; all of them are left out."""

LIST_ENDS = frozenset({"", "then", "elif", "else", "fi", "do", "done", "esac", "}", ")", ";;"})
"""Tokens at which dash ends a list, and then reports what it expected instead."""

_BLANK = re.compile(r"(?:[ \t]|\\\n|#[^\n]*)*")
_NUMBER = re.compile(r"\d+(?=[<>])")
_TABS = re.compile(r"^\t+", re.MULTILINE)
MAX_DESCRIPTOR = 1000


class Lexer(WordReader):
    """Reads one token after the other; each dialect has its own operators."""

    def __init__(self, text: str, dialect: str, line: int = 1) -> None:
        super().__init__(text, dialect, line)
        self.token = ""
        """The operator or the word as it is written; ``""`` at the end, ``"\\n"`` at a line's end."""
        self.current: Word | None = None
        """The token, if it is a word."""
        self.start = 0
        self.descriptor = -1
        """The number in front of a redirection, -1 for none."""
        self.expected = ""
        """The reserved word that ends the list that is being read."""
        self.substitutions = 0
        """The number of ``$(`` that are being read."""
        self._ended = text.endswith("\n") or not text
        self.heredocs: list[tuple[Redirect, str, int]] = []
        """The here-documents whose text begins on the next line, with their operator and line."""
        self.warnings: list[str] = []

    def fail(self, expecting: str = "") -> SyntaxProblem:
        """Return the error of a token in the wrong place."""
        if self.token in LIST_ENDS:
            expecting = expecting or self.expected
        unexpected = "unexpected" + (f' (expecting "{expecting}")' if expecting else "")
        if not self.token:
            line = self.last_line if self.bash else self.line_at(len(self.text))
            message = "syntax error: unexpected end of file"
            if self.substitutions:
                message = "unexpected EOF while looking for matching `)'"
            return self.problem(line, message, f"end of file {unexpected}", unfinished=True)
        token = self.token
        name = f'"{token}"'
        if token == "\n":
            token = name = "newline"
        elif self.current is not None and not self.is_reserved():
            name = "word"
        elif token in REDIRECTIONS:
            name = "redirection"
        line = self.line_at(self.start)
        # Bash repeats the line, because a token can occur several times.
        source = self.text.split("\n")[line - self._first_line]
        message = f"syntax error near unexpected token `{token}'\n{self.lead(line)}`{source}'"
        return self.problem(line, message, f"{name} {unexpected}")

    def is_reserved(self, *words: str) -> bool:
        """Return whether the current token is one of the reserved words, or any of them if none is given."""
        known = words or (RESERVED | BASH_RESERVED if self.bash else RESERVED)
        return self.current is not None and self.token in known

    def advance(self) -> None:
        """Read the next token."""
        text = self.text
        blank = _BLANK.match(text, self.index)
        self.index = self.start = blank.end() if blank is not None else self.index
        self.descriptor = -1
        self.current = None
        at_end = self.start >= len(text)
        if at_end or text[self.start] == "\n":
            # Bash ends the last line itself if the script does not.
            self.token = "" if at_end and (self._ended or not self.bash) else "\n"
            self._ended = self.start >= len(text) - 1
            self.index = min(self.start + 1, len(text))
            self._read_heredocs()
            return
        # Digits belong to a redirection only directly in front of it: `echo 2 >f` has an argument.
        number = _NUMBER.match(text, self.start)
        operator = OPERATORS[self.dialect].match(text, number.end() if number else self.start)
        if operator is None or (number and operator[0] not in REDIRECTIONS):
            self.current = self.word()
            self.token = text[self.start : self.index]
            return
        self.token = operator[0]
        self.index = operator.end()
        if self.bash and self.token in ("<", ">") and text.startswith("(", self.index):
            self.left_out(f"{self.token}(…)")
        if re.fullmatch(_BASH_LEFT_OUT, self.token):
            self.left_out(self.token)
        self.descriptor = min(int(number[0][:6]), MAX_DESCRIPTOR) if number else -1

    def redirects(self) -> list[Redirect]:
        """Read the redirections that begin with the current token."""
        redirects: list[Redirect] = []
        while self.token in REDIRECTIONS:
            operator = self.token
            descriptor = self.descriptor
            line = self.line_at(self.start)
            self.advance()
            if self.current is None:
                raise self.fail()
            redirect = Redirect(operator.removesuffix("-"), descriptor, self.current)
            redirects.append(redirect)
            if redirect.operator == "<<":
                self.heredocs.append((redirect, operator, line))
            self.advance()
        return redirects

    def _read_heredocs(self) -> None:
        """Step over the texts of the here-documents begun on the line before."""
        # Texts can have `$(…)` with here-documents of their own, so the list is taken first.
        pending = self.heredocs
        self.heredocs = []
        for redirect, operator, line in pending:
            texts = [part for part in redirect.target.parts if isinstance(part, Text)]
            delimiter = "".join(part.text for part in texts)
            start = end = self.index
            while self.index < len(self.text):
                stop = self.text.find("\n", self.index)
                row = self.text[self.index : stop if stop >= 0 else None]
                self.index = min(self.index + len(row) + 1, len(self.text))
                if (row.lstrip("\t") if operator == "<<-" else row) == delimiter:
                    break
                end = self.index
            else:
                self.warnings.append(
                    f"line {self.line_at(self.index)}: warning: here-document at line {line} delimited by "
                    f"end-of-file (wanted `{delimiter}')"
                )
            body = self.text[start:end]
            body = _TABS.sub("", body) if operator == "<<-" else body
            # A delimiter with quotes turns expansion off.
            redirect.target = Word((Text(body, quoted=True),))
            if not any(part.quoted for part in texts):
                inner = type(self)(body, self.dialect, self.line_at(start))
                redirect.target = Word(tuple(inner.quoted("")))
