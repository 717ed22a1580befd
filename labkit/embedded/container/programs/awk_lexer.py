"""awk's tokens."""

from __future__ import annotations

import re

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


class AwkError(Exception):
    """The program cannot be read, or does something impossible.

    Args:
        message: What awk says.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Lexer:
    """Reads one token after the other.

    Args:
        text: A program's text.
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
