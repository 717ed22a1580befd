"""Syntax errors, in the words of bash and dash."""

from __future__ import annotations

from typing import Literal

_DASH_UNCLOSED = {
    **dict.fromkeys("'\"", "Unterminated quoted string"),
    "`": "EOF in backquote substitution",
    "}": "Missing '}'",
    ")": "Missing '))'",
}


class SyntaxProblem(Exception):
    """A script that cannot be parsed.

    Args:
        kind: ``token`` (one in the wrong place), ``end`` (of the script), ``unclosed`` (a quote or
            bracket), ``left-out`` (syntax of the real shell that the lab does not simulate) or
            ``other`` (the message is given).
        token: The token, quote or bracket, the name of the syntax, or the message.
        line: The number of its line, counted from 1.
        expecting: The reserved word that had to come; only dash prints it.
        word_class: The name that dash has for the token: ``word``, ``redirection``, or empty to quote it.
    """

    def __init__(
        self,
        kind: Literal["token", "end", "unclosed", "left-out", "other"],
        token: str,
        line: int,
        expecting: str = "",
        word_class: str = "",
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.token = token
        self.line = line
        self.expecting = expecting
        self.word_class = word_class

    @property
    def unfinished(self) -> bool:
        """True if further lines could complete the script."""
        return self.kind in ("end", "unclosed")

    def message(self, text: str, dialect: str) -> str:
        """Return the message of a shell, without its own name; two lines for a token in bash."""
        lead = f"line {self.line}: " if dialect == "bash" else f"{self.line}: "
        if self.kind == "left-out":
            return f"{lead}{self.token}: not simulated in this lab's pods"
        if dialect == "bash":
            return lead + self._bash(text, lead)
        quoted = f'"{self.token}"'
        problem = {
            "other": self.token,
            "unclosed": _DASH_UNCLOSED.get(self.token, ""),
            "end": "end of file unexpected",
            "token": f"{self.word_class or quoted} unexpected",
        }[self.kind]
        expecting = f' (expecting "{self.expecting}")' if self.expecting else ""
        return f"{lead}Syntax error: {problem}{expecting}"

    def _bash(self, text: str, lead: str) -> str:
        if self.kind == "unclosed":
            return f"unexpected EOF while looking for matching `{self.token}'"
        if self.kind == "end":
            return "syntax error: unexpected end of file"
        if self.kind == "other":
            return f"syntax error: {self.token}"
        # Bash repeats the line, because a token can occur several times.
        source = text.split("\n")[self.line - 1 :][:1] or [""]
        return f"syntax error near unexpected token `{self.token}'\n{lead}`{source[0]}'"
