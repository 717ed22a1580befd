"""Builtins about variables, options and positional parameters: ``export unset set shift`` and their like."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.builtins.table import builtin, left_out, usage
from labkit.embedded.container.shell.errors import ExitShell
from labkit.embedded.container.shell.parameters import FLAGS, LETTERS, OPTIONS
from labkit.embedded.container.shell.protocol import Shell

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LEFT_OUT = {"export": "fp", "local": "aAfFgiIlnrtuxp"}
"""The options that the lab's builtins leave out."""

_SET_USAGE = "set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]"


@builtin("export", "local")
async def declare(shell: Shell, words: list[str]) -> int:
    """Declare variables: exported, local."""
    name, args = words[0], words[1:]
    flags = ""
    while args and len(args[0]) > 1 and args[0][0] == "-":
        word = args.pop(0)
        if word == "--":
            break
        flags += word[1:]
    for flag in flags:
        if flag in _LEFT_OUT[name]:
            return await left_out(shell, f"{name} -{flag}")
        if name == "local" or flag != "n":
            return await usage(shell, name, "-" + flag, f"{name} [-fn] [name[=value] ...] or {name} -p")
    if name == "local" and not shell.variables.in_function:
        if shell.dialect != "bash":
            raise ExitShell(await shell.complain("local: not in a function", 2))
        return await shell.complain("local: can only be used in a function")
    if not args:
        return await left_out(shell, f"{name} without names")
    return max([await _declare_one(shell, name, flags, word) for word in args])


async def _declare_one(shell: Shell, name: str, flags: str, word: str) -> int:
    target, equals, value = word.partition("=")
    append = target.endswith("+") and bool(equals)
    target = target.removesuffix("+") if append else target
    if not _NAME.fullmatch(target):
        if shell.dialect == "bash":
            return await shell.complain(f"{name}: `{word}': not a valid identifier")
        raise ExitShell(await shell.complain(f"{name}: {target}: bad variable name", 2))
    if append:
        value = (shell.variables.text(target) or "") + value
    variable = shell.variables.local(target) if name == "local" else shell.variables.declare(target)
    if equals:
        shell.assign(target, value)
    if name == "export":
        variable.exported = "n" not in flags
    return 0


@builtin("unset")
async def unset(shell: Shell, words: list[str]) -> int:
    """Forget variables or functions."""
    status = 0
    functions = False
    for word in words[1:]:
        if word in ("-f", "-v"):
            functions = word == "-f"
        elif functions or (shell.variables.get(word) is None and word in shell.functions):
            shell.functions.pop(word, None)
        elif not _NAME.fullmatch(word):
            status = await shell.complain(f"unset: `{word}': not a valid identifier")
        else:
            shell.variables.unset(word)
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
