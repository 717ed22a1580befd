"""What a shell says, in bash's, dash's and ash's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.embedded.container.shell.interpreter import Shell


def lead(shell: Shell, *, where: bool = True) -> str:
    """What stands before a message: the shell's name, and the line if ``where``."""
    if shell.dialect == "bash":
        if shell.interactive or not where:
            return f"{shell.name}: "
        return f"{shell.errors_where or shell.name}: line {shell.line}: "
    if shell.dialect == "dash":
        return f"{shell.name}: {shell.line}: "
    return f"{shell.name}: " if shell.line == 1 or shell.interactive else f"{shell.name}: line {shell.line}: "


def worded(shell: Shell, message: str) -> str:
    """Bash's words for a bad expansion, in this shell's."""
    if shell.dialect == "bash":
        return message
    if message.endswith("bad substitution"):
        return "Bad substitution" if shell.dialect == "dash" else "syntax error: bad substitution"
    match = re.fullmatch(r"(.*?): (.*?)(?: \(error token is .*)", message, re.DOTALL)
    if match is None:
        return message
    if "division by 0" in match[2]:
        what = "division by zero"
    elif "operand expected" in match[2]:
        what = "expecting primary"
    else:
        what = "expecting EOF"
    if shell.dialect == "dash":
        return f'arithmetic expression: {what}: "{match[1]}"'
    return "divide by zero" if what == "division by zero" else "arithmetic syntax error"
