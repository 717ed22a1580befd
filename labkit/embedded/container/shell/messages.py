"""Messages that bash and dash word differently; busybox' shell has those of dash here."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.protocol import Shell


def prefix(shell: Shell) -> str:
    """The beginning of a message: the shell's name and the line."""
    if shell.dialect != "bash":
        return f"{shell.name}: {shell.line}: "
    if shell.interactive:
        return f"{shell.name}: "
    return f"{shell.name}: line {shell.line}: "


def translated(message: str, dialect: str) -> str:
    """Bash's message about an expansion, in dash's words if that is the dialect."""
    if dialect == "bash":
        return message
    if message.endswith("bad substitution"):
        return "Bad substitution"
    match = re.fullmatch(r"(.*?): (.*?)(?: \(error token is .*)", message, re.DOTALL)
    if match is None:
        return message
    if "division by 0" in match[2]:
        what = "division by zero"
    else:
        what = "expecting primary" if "operand expected" in match[2] else "expecting EOF"
    return f'arithmetic expression: {what}: "{match[1]}"'


def cannot_open(target: str, reason: str, dialect: str, *, reading: bool) -> str:
    """The message about a redirection's file that cannot be opened."""
    if dialect == "bash":
        return f"{target}: {reason}"
    if reason.startswith("No such"):
        reason = "No such file" if reading else "Directory nonexistent"
    return f"cannot {'open' if reading else 'create'} {target}: {reason}"
