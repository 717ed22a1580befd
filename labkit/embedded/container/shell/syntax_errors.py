"""Syntax errors, in the words of bash and dash."""

from __future__ import annotations

from typing import Literal


class SyntaxProblem(Exception):
    """A script that cannot be parsed.

    Args:
        kind: ``token`` (one where it cannot stand), ``end`` (of the script), ``unclosed`` (a quote or
            bracket), ``left-out`` (syntax of the real shell that the lab does not simulate) or
            ``other`` (the message is given).
        token: The token, quote or bracket, the name of the syntax, or the message.
        line: Where, counted from 1.
        expecting: The reserved word that had to come.
        word_class: What dash calls the token: ``word``, ``redirection``, or nothing to quote it.
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
        """Whether further lines could complete the script."""
        return self.kind in ("end", "unclosed")


def message(problem: SyntaxProblem, text: str, dialect: str) -> str:
    """The message of a shell about a problem, without its own name; several lines for bash."""
    if problem.kind == "left-out":
        where = f"line {problem.line}" if dialect == "bash" else f"{problem.line}"
        return f"{where}: {problem.token}: not simulated in this lab's pods"
    if dialect == "bash":
        return _bash(problem, text)
    if problem.kind == "other":
        what = problem.token
    elif problem.kind == "unclosed":
        what = _DASH_UNCLOSED[problem.token]
    elif problem.kind == "end":
        what = "end of file unexpected"
    else:
        shown = problem.word_class or f'"{problem.token}"'
        what = f"{shown} unexpected"
    expecting = f' (expecting "{problem.expecting}")' if problem.expecting else ""
    return f"{problem.line}: Syntax error: {what}{expecting}"


_DASH_UNCLOSED = {
    **dict.fromkeys("'\"", "Unterminated quoted string"),
    "`": "EOF in backquote substitution",
    "}": "Missing '}'",
    ")": "Missing '))'",
}


def _bash(problem: SyntaxProblem, text: str) -> str:
    lead = f"line {problem.line}: "
    if problem.kind == "other":
        return f"{lead}syntax error: {problem.token}"
    if problem.kind == "unclosed":
        return f"{lead}unexpected EOF while looking for matching `{problem.token}'"
    if problem.kind == "end":
        return f"{lead}syntax error: unexpected end of file"
    lines = text.split("\n")
    source = lines[min(problem.line, len(lines)) - 1]
    return f"{lead}syntax error near unexpected token `{problem.token}'\n{lead}`{source}'"
