"""Builtins about names of commands: ``command``, ``builtin``, ``type``."""

from __future__ import annotations

from labkit.embedded.container.shell.builtins.table import BASH_ONLY, BUILTINS, KEYWORDS, SPECIAL_BUILTINS, builtin
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.run_program import look_up


@builtin("command")
async def command(shell: Shell, words: list[str]) -> int:
    """Run a command that no function hides, or say what it is."""
    args = words[1:]
    if args and args[0] in ("-v", "-V"):
        status = 0
        for name in args[1:]:
            status = max(status, await _describe(shell, name, short=args[0] == "-v", where="command"))
        return status
    while args and args[0] in ("-p", "--"):
        args = args[1:]
    if not args:
        return 0
    return await shell.call(args, functions=False)


@builtin("builtin")
async def builtin_command(shell: Shell, words: list[str]) -> int:
    """Run a builtin."""
    if len(words) < 2:
        return 0
    if words[1] not in BUILTINS:
        await shell.complain(f"builtin: {words[1]}: not a shell builtin")
        return 1
    return await BUILTINS[words[1]](shell, words[1:])


async def _describe(shell: Shell, name: str, *, short: bool, where: str, quiet: bool = False) -> int:
    if name in KEYWORDS:
        text = name if short else f"{name} is a shell keyword"
    elif name in shell.functions:
        text = name if short else f"{name} is a function"
    elif name in BUILTINS and (shell.dialect == "bash" or name not in BASH_ONLY):
        text = (
            name
            if short
            else f"{name} is a special shell builtin"
            if name in SPECIAL_BUILTINS and shell.dialect == "dash"
            else f"{name} is a shell builtin"
        )
    else:
        path = look_up(shell, name)
        if path is None:
            if not short and not quiet:
                if shell.dialect == "bash":
                    await shell.complain(f"{where}: {name}: not found")
                else:
                    await shell.write(1 if shell.dialect == "dash" else 2, f"{name}: not found\n")
            return 1 if shell.dialect == "bash" else 127
        text = path if short else f"{name} is {path}"
    await shell.write(1, text + "\n")
    return 0


@builtin("type")
async def type_command(shell: Shell, words: list[str]) -> int:
    """Say what a name is."""
    status = 0
    flags = "".join(word[1:] for word in words[1:] if word.startswith("-"))
    for name in (word for word in words[1:] if not word.startswith("-")):
        if "t" in flags:
            kind = (
                "keyword" if name in KEYWORDS
                else "function" if name in shell.functions
                else "builtin" if name in BUILTINS
                else "file" if look_up(shell, name) else ""
            )  # fmt: skip
            if kind:
                await shell.write(1, kind + "\n")
            status = max(status, int(not kind))
        elif "p" in flags or "P" in flags:
            path = look_up(shell, name)
            if path and ("P" in flags or name not in BUILTINS):
                await shell.write(1, path + "\n")
            status = max(status, int(path is None))
        else:
            status = max(status, await _describe(shell, name, short=False, where="type"))
    return status
