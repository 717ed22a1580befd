"""Messages that bash, dash and busybox's ash word differently."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.protocol import Shell


def prefix(shell: Shell, *, where: bool = True) -> str:
    """What stands before a message: the shell's name, and the line if ``where``."""
    if shell.dialect == "bash":
        if shell.interactive or not where:
            return f"{shell.name}: "
        return f"{shell.errors_where or shell.name}: line {shell.line}: "
    if shell.dialect == "dash":
        return f"{shell.name}: {shell.line}: "
    return f"{shell.name}: " if shell.line == 1 or shell.interactive else f"{shell.name}: line {shell.line}: "


def translated(message: str, dialect: str) -> str:
    """Bash's message about an expansion, in another shell's words."""
    if dialect == "bash":
        return message
    if message.endswith("bad substitution"):
        return "Bad substitution" if dialect == "dash" else "syntax error: bad substitution"
    match = re.fullmatch(r"(.*?): (.*?)(?: \(error token is .*)", message, re.DOTALL)
    if match is None:
        return message
    if "division by 0" in match[2]:
        what = "division by zero"
    elif "operand expected" in match[2]:
        what = "expecting primary"
    else:
        what = "expecting EOF"
    if dialect == "dash":
        return f'arithmetic expression: {what}: "{match[1]}"'
    return "divide by zero" if what == "division by zero" else "arithmetic syntax error"


def cannot_open(target: str, reason: str, dialect: str, *, reading: bool) -> str:
    """A redirection's file that cannot be opened."""
    missing = reason.startswith("No such")
    if dialect == "bash":
        return f"{target}: {reason}"
    if dialect == "dash":
        lacking = "No such file" if reading else "Directory nonexistent"
        return f"cannot {'open' if reading else 'create'} {target}: {lacking if missing else reason}"
    lacking = "no such file" if reading else "nonexistent directory"
    return f"can't {'open' if reading else 'create'} {target}: {lacking if missing else reason}"
