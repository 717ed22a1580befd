"""The table of builtins, and the names that mean something to the shell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from labkit.embedded.container.shell.interpreter import Shell

Builtin = Callable[[Shell, list[str]], Awaitable[int]]


BUILTINS: dict[str, Builtin] = {}


SPECIAL_BUILTINS = frozenset(
    {
        ":",
        ".",
        "break",
        "continue",
        "eval",
        "exec",
        "exit",
        "export",
        "readonly",
        "return",
        "set",
        "shift",
        "trap",
        "unset",
    }
)


BASH_ONLY = frozenset(
    {"source", "declare", "typeset", "let", "shopt", "mapfile", "readarray", "history", "builtin", "pushd", "popd",
     "dirs", "time", "disown", "enable", "help", "logout", "caller"}
)  # fmt: skip


KEYWORDS = frozenset(
    {"if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "{", "}", "!", "in",
     "function", "time", "[[", "]]", "select", "coproc"}
)  # fmt: skip


def builtin(*names: str) -> Callable[[Builtin], Builtin]:
    """Put a builtin into :data:`BUILTINS`."""

    def register(function: Builtin) -> Builtin:
        for name in names:
            BUILTINS[name] = function
        return function

    return register


async def usage(shell: Shell, name: str, option: str, usage: str) -> int:
    """Say that an option is not known; status 2."""
    await shell.complain(f"{name}: {option}: invalid option")
    await shell.write(2, f"{name}: usage: {usage}\n")
    return 2
