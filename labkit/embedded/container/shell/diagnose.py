"""What is wrong with a script, in the words of the shell at hand.

tree-sitter recovers from errors but does not name them as bash and dash do. This reads
the tokens once, keeping the list of what is open, and says what a shell would say.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit.embedded.container.shell.checker import Checker
from labkit.embedded.container.shell.tokens import Heredoc, Unexpected


@dataclass(frozen=True, slots=True)
class Problem:
    """A syntax error.

    Args:
        message: What the shell prints, without its own name; several lines for bash.
        safe_lines: How many of the first lines are commands that run before it is met.
    """

    message: str
    safe_lines: int = 0


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A script that tree-sitter can read, and what was taken out of it.

    Args:
        data: The script, painted over.
        heredocs: Its here-documents by the byte at which their ``<<`` stands.
    """

    data: bytes
    heredocs: dict[int, Heredoc]


def diagnose(text: str, dialect: str = "bash") -> Problem | None:
    """Find the first syntax error.

    Args:
        text: A script.
        dialect: ``bash``, ``dash`` or ``ash``.

    Returns:
        What is wrong, or None.
    """
    return examine(text, dialect)[0]


def examine(text: str, dialect: str = "bash") -> tuple[Problem | None, Skeleton]:
    """Find the first syntax error, or make the script easy to read for tree-sitter.

    The grammar knows the order of words, but stumbles over what may stand inside one. So
    the inside of words, tests, expressions and here-documents is painted over, byte for
    byte; it is read from the real text afterwards.

    Args:
        text: A script.
        dialect: ``bash``, ``dash`` or ``ash``.

    Returns:
        What is wrong, or None; and the script's skeleton.
    """
    checker = Checker(text)
    try:
        checker.check()
    except Unexpected as error:
        return Problem(_message(error, text, dialect), checker.safe_lines), Skeleton(b"", {})
    except RecursionError:
        return Problem("syntax error: too deeply nested"), Skeleton(b"", {})
    heredocs = {len(text[: one.start].encode("utf-8", "surrogatepass")): one for one in checker.found}
    return None, Skeleton(_skeleton(text, checker.blanks), heredocs)


def _skeleton(text: str, blanks: list[tuple[int, int, str]]) -> bytes:
    out: list[bytes] = []
    done = 0
    for start, end, kind in sorted(blanks, key=lambda blank: (blank[0], -blank[1])):
        if start < done:
            continue
        out.append(text[done:start].encode("utf-8", "surrogatepass"))
        data = text[start:end].encode("utf-8", "surrogatepass")
        if kind == "word":
            out.append(b"a" * len(data))
        elif kind == "test":
            out.append((b" a" + b" " * len(data))[: len(data)])
        elif kind == "arithmetic":
            out.append(bytes(byte if byte == 59 else 49 for byte in data))
        elif kind == "heredoc":
            out.append(b"<" + b"a" * (len(data) - 1))
        else:
            out.append(bytes(byte if byte == 10 else 32 for byte in data))
        done = end
    out.append(text[done:].encode("utf-8", "surrogatepass"))
    return b"".join(out)


def _message(error: Unexpected, text: str, dialect: str) -> str:
    lines = text.split("\n")
    if dialect == "bash":
        if error.kind == "quote":
            return f"line {error.line}: unexpected EOF while looking for matching `{error.token}'"
        if error.kind == "end":
            return f"line {len(lines) + (0 if text.endswith(chr(10)) else 1)}: syntax error: unexpected end of file"
        source = lines[min(error.line, len(lines)) - 1]
        return f"line {error.line}: syntax error near unexpected token `{error.token}'\nline {error.line}: `{source}'"
    lead = "Syntax error" if dialect == "dash" else "syntax error"
    prefix = f"{error.line}: " if dialect == "dash" else ""
    if dialect == "ash":
        prefix = f"line {error.line}: " if error.line > 1 else ""
    if error.kind == "quote":
        what = {
            "`": "EOF in backquote substitution" if dialect == "dash" else "unterminated quoted string",
            "}": "Missing '}'" if dialect == "dash" else "unterminated quoted string",
            ")": 'end of file unexpected (expecting ")")'
            if dialect == "dash"
            else 'unexpected end of file (expecting ")")',
        }.get(error.token, "Unterminated quoted string" if dialect == "dash" else "unterminated quoted string")
        return f"{prefix}{lead}: {what}"
    expecting = f' (expecting "{error.expecting}")' if error.expecting else ""
    if error.kind == "end":
        what = "end of file unexpected" if dialect == "dash" else "unexpected end of file"
        return f"{prefix}{lead}: {what}{expecting}"
    token = "newline" if error.token == "newline" else f'"{error.token}"'
    what = f"{token} unexpected" if dialect == "dash" else f"unexpected {token}"
    return f"{prefix}{lead}: {what}{expecting}"
