"""The table of builtins, and the names that mean something to the shell."""

from collections.abc import Awaitable, Callable

from .shell import Shell

Builtin = Callable[[Shell, list[str]], Awaitable[int]]

BUILTINS: dict[str, Builtin] = {}

SPECIAL_BUILTINS = frozenset({
    ":", ".", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "trap",
    "unset",
})  # fmt: skip

BASH_ONLY = frozenset({
    "bind", "builtin", "caller", "compgen", "complete", "declare", "dirs", "disown", "enable", "help", "history", "let",
    "logout", "mapfile", "popd", "pushd", "readarray", "shopt", "source", "suspend", "typeset",
})  # fmt: skip
"""Builtins that only bash has; all of them are left out."""

LEFT_OUT = BASH_ONLY | {
    ".", "alias", "bg", "eval", "fc", "fg", "getopts", "hash", "jobs", "local", "read", "readonly", "return", "times",
    "trap", "type", "ulimit", "umask", "unalias",
}  # fmt: skip
"""Builtins of bash, dash and busybox's ash that the lab's shell reports as left out."""


def builtin(*names: str) -> Callable[[Builtin], Builtin]:
    """Put a builtin into :data:`BUILTINS`."""

    def register(function: Builtin) -> Builtin:
        BUILTINS.update(dict.fromkeys(names, function))
        return function

    return register


async def left_out(shell: Shell, construct: str) -> int:
    """Report that the lab's shell leaves a construct out; the status is 127."""
    await shell.write(2, f"{construct}: not simulated in this lab's pods\n")
    return 127


@builtin(*sorted(LEFT_OUT))
async def left_out_builtin(shell: Shell, words: list[str]) -> int:
    """Report that a builtin is left out."""
    return await left_out(shell, words[0])
