"""Builtins about variables, options and positional parameters: ``export unset set shift`` and their like."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.builtins.table import builtin, left_out, usage
from labkit.embedded.container.shell.errors import ExitShell
from labkit.embedded.container.shell.parameters import FLAGS, LETTERS, OPTIONS
from labkit.embedded.container.shell.protocol import Shell

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SET_USAGE = "set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]"


@builtin("export")
async def export(shell: Shell, words: list[str]) -> int:
    """Export variables."""
    args = words[1:]
    flags = ""
    while args and len(args[0]) > 1 and args[0][0] == "-":
        word = args.pop(0)
        if word == "--":
            break
        flags += word[1:]
    for flag in flags:
        if flag in "fp":
            return await left_out(shell, f"export -{flag}")
        if flag != "n":
            return await usage(
                shell, "export", "-" + flag, "export [-fn] [name[=value] ...] or export -p"
            )
    if not args:
        return await left_out(shell, "export without names")
    return max([await _export_one(shell, word, exported="n" not in flags) for word in args])


async def _export_one(shell: Shell, word: str, *, exported: bool) -> int:
    name, equals, value = word.partition("=")
    append = name.endswith("+") and bool(equals)
    name = name.removesuffix("+") if append else name
    if not _NAME.fullmatch(name):
        if shell.dialect == "bash":
            return await shell.complain(f"export: `{word}': not a valid identifier")
        raise ExitShell(await shell.complain(f"export: {name}: bad variable name", 2))
    if equals:
        shell.assign(name, value, append=append)
    shell.variables.declare(name).exported = exported
    return 0


@builtin("unset")
async def unset(shell: Shell, words: list[str]) -> int:
    """Remove variables."""
    status = 0
    for word in words[1:]:
        if word == "-f":
            return await left_out(shell, "unset -f")
        if _NAME.fullmatch(word):
            shell.variables.unset(word)
        elif word != "-v":
            status = await shell.complain(f"unset: `{word}': not a valid identifier")
    return status


@builtin("set")
async def set_options(shell: Shell, words: list[str]) -> int:
    """Set options and positional parameters."""
    if len(words) == 1:
        return await left_out(shell, "set without options")
    rest = words[1:]
    while rest and rest[0][:1] in ("-", "+") and len(rest[0]) > 1 and rest[0] != "--":
        word = rest.pop(0)
        for letter in word[1:]:
            option = (rest.pop(0) if rest else "") if letter == "o" else FLAGS.get(letter, "")
            if letter not in "o" + LETTERS:
                return await usage(shell, "set", word[0] + letter, _SET_USAGE)
            if option not in OPTIONS:
                return await left_out(shell, f"set {word[0]}{letter} {option}".rstrip())
            (shell.options.add if word[0] == "-" else shell.options.discard)(option)
    if rest or words[-1] == "--":
        shell.positional = rest[1:] if rest[:1] == ["--"] else rest
    return 0


@builtin("shift")
async def shift(shell: Shell, words: list[str]) -> int:
    """Drop the first positional parameters."""
    if len(words) > 1 and not words[1].isdigit():
        if shell.dialect == "bash":
            return await shell.complain(f"shift: {words[1]}: numeric argument required")
        raise ExitShell(await shell.complain(f"shift: Illegal number: {words[1]}", 2))
    count = int(words[1]) if len(words) > 1 and words[1].isdigit() and len(words[1]) < 8 else 1
    if count > len(shell.positional):
        if shell.dialect != "bash":
            raise ExitShell(await shell.complain("shift: can't shift that many", 2))
        return 1
    shell.positional = shell.positional[count:]
    return 0
