"""The parameters that the shell sets itself: ``$?``, ``$-``, ``$RANDOM`` and their like."""

from __future__ import annotations

from labkit.embedded.container.shell.protocol import Shell

FLAGS = {
    "a": "allexport", "e": "errexit", "f": "noglob", "n": "noexec", "u": "nounset", "v": "verbose", "x": "xtrace",
    "C": "noclobber", "b": "notify", "h": "hashall", "m": "monitor", "B": "braceexpand",
}  # fmt: skip


LETTERS = "abefhikmnptuvxBCEHPT"
"""The order in which ``$-`` has them."""


def special(shell: Shell, name: str) -> str | None:
    """The value of ``$?``, ``$#`` and their like, or None if the name is no such."""
    match name:
        case "?":
            return str(shell.status)
        case "#":
            return str(len(shell.positional))
        case "$":
            return str(shell.pid)
        case "!":
            return str(shell.last_background.pid) if shell.last_background is not None else ""
        case "-":
            letters = {letter for letter, option in FLAGS.items() if option in shell.options}
            letters |= {"i"} if shell.interactive else set()
            letters |= {"H"} if shell.interactive and shell.dialect == "bash" else set()
            tail = "c" if shell.from_command else "s" if shell.from_stdin else ""
            return "".join(letter for letter in LETTERS if letter in letters) + tail
    if shell.variables.get(name) is not None or shell.dialect != "bash":
        return str(shell.line) if name == "LINENO" else None
    match name:
        case "RANDOM":
            return str(int.from_bytes(shell.system.random(2), "big") & 0x7FFF)
        case "SECONDS":
            return str(int(shell.scheduler.elapsed_seconds))
        case "LINENO":
            return str(shell.line)
        case "BASH_VERSION":
            return "5.2.37(1)-release"
        case "HOSTNAME":
            return shell.system.hostname
        case "EPOCHSECONDS":
            return str(int(shell.system.now()))
        case "UID" | "EUID":
            return str(shell.system.fs.uid)
        case "PPID":
            return "0"
        case "BASHPID":
            return str(shell.pid)
        case "OSTYPE":
            return "linux-gnu"
        case "HOSTTYPE":
            return "x86_64"
        case "MACHTYPE":
            return "x86_64-pc-linux-gnu"
        case "SHELL":
            return "/bin/bash"
        case "BASH":
            return "/usr/bin/bash"
        case "FUNCNAME":
            return shell.calls[-1] if shell.calls else None
    return None
