"""Builtins about variables, options and positional parameters: ``export unset set shift`` and their like."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.builtins.table import builtin, left_out, usage
from labkit.embedded.container.shell.errors import ExitShell
from labkit.embedded.container.shell.parameters import FLAGS, LETTERS
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.quoting import double_quote
from labkit.embedded.container.shell.variables import ReadOnly

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FLAGS = {"export": "fnp", "readonly": "aAfp", "local": "aAfFgiIlnrtuxp"}


@builtin("export", "readonly", "local")
async def declare(shell: Shell, words: list[str]) -> int:
    """Declare variables: exported, read-only, local."""
    name, args = words[0], words[1:]
    flags = ""
    while args and len(args[0]) > 1 and args[0][0] == "-":
        word = args.pop(0)
        if word == "--":
            break
        flags += word[1:]
    for flag in flags:
        if flag not in _FLAGS[name]:
            return await usage(shell, name, "-" + flag, f"{name} [-fn] [name[=value] ...] or {name} -p")
        if flag not in "np":
            return await left_out(shell, f"{name} -{flag}")
    if name == "local" and not shell.variables.in_function:
        if shell.dialect != "bash":
            raise ExitShell(await shell.complain("local: not in a function", 2))
        return await shell.complain("local: can only be used in a function")
    if not args:
        return await _list_variables(shell, name)
    return max([await _declare_one(shell, name, flags, word) for word in args])


async def _list_variables(shell: Shell, name: str) -> int:
    for one in shell.variables.names():
        found = shell.variables.get(one)
        if found is None or one == "_" or not (found.readonly if name == "readonly" else found.exported):
            continue
        if shell.dialect == "bash":
            flags = ("r" if found.readonly else "") + ("x" if found.exported else "")
            value = f"={double_quote(found.value)}" if found.value is not None else ""
            await shell.write(1, f"declare -{flags} {one}{value}\n")
        else:
            await shell.write(1, f"{name} {one}='{found.value or ''}'\n")
    return 0


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
        try:
            shell.assign(target, value)
        except ReadOnly:
            if shell.dialect != "bash":
                raise
            return await shell.complain(f"{target}: readonly variable")
    if name == "export":
        variable.exported = "n" not in flags
    if name == "readonly":
        variable.readonly = True
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
            try:
                shell.variables.unset(word)
            except ReadOnly:
                if shell.dialect != "bash":
                    raise ExitShell(await shell.complain(f"unset: {word}: is read only", 2)) from None
                status = await shell.complain(f"unset: {word}: cannot unset: readonly variable")
    return status


@builtin("set")
async def set_options(shell: Shell, words: list[str]) -> int:
    """Set options and positional parameters, or list variables."""
    if len(words) == 1:
        for name in shell.variables.names():
            value = shell.variables.text(name)
            if value is not None:
                plain = re.fullmatch(r"[\w@%+=:,./-]*", value) is not None and shell.dialect == "bash"
                quoted = value if plain else "'" + value.replace("'", "'\\''") + "'"
                await shell.write(1, f"{name}={quoted}\n")
        return 0
    left = words[1:]
    while left and left[0][:1] in ("-", "+") and len(left[0]) > 1 and left[0] != "--":
        word = left.pop(0)
        for letter in word[1:]:
            option = (left.pop(0) if left else "") if letter == "o" else FLAGS.get(letter, letter)
            if letter not in "o" + LETTERS:
                usage_text = "set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]"
                return await usage(shell, "set", word[0] + letter, usage_text)
            if option not in _OPTIONS:
                return await left_out(
                    shell, f"set {word[0]}{letter} {option}".rstrip() if letter == "o" else f"set {word[0]}{letter}"
                )
            (shell.options.add if word[0] == "-" else shell.options.discard)(option)
    if left or words[-1] == "--":
        shell.positional = left[1:] if left[:1] == ["--"] else left
    return 0


_OPTIONS = frozenset({"allexport", "errexit", "noglob", "nounset", "xtrace", "monitor", "pipefail"})


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
