"""Builtins about variables, options and positional parameters: ``export unset set shift let`` and their like."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.arithmetic import ArithmeticProblem
from labkit.embedded.container.shell.builtins.table import builtin, left_out, usage
from labkit.embedded.container.shell.errors import ExitShell
from labkit.embedded.container.shell.parameters import FLAGS
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.quoting import double_quote
from labkit.embedded.container.shell.variables import ReadOnly

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FLAGS = {"export": "fnp", "readonly": "aAfp", "declare": "aAfFgiIlnrtuxp", "typeset": "aAfFgiIlnrtuxp",
          "local": "aAfFgiIlnrtuxp"}  # fmt: skip
_SIMULATED = "fgnprx"


@builtin("export", "readonly", "declare", "typeset", "local")
async def declare(shell: Shell, words: list[str]) -> int:
    """Declare variables: exported, read-only, local."""
    name, args = words[0], words[1:]
    flags = remove = ""
    while args and len(args[0]) > 1 and args[0][0] in "-+":
        word = args.pop(0)
        if word == "--":
            break
        flags += word[1:] if word[0] == "-" else ""
        remove += word[1:] if word[0] == "+" else ""
    for flag in flags + remove:
        if flag not in _FLAGS[name]:
            return await usage(shell, name, "-" + flag, f"{name} [-fn] [name[=value] ...] or {name} -p")
        if flag not in _SIMULATED or (flag == "f" and name != "export"):
            return await left_out(shell, f"{name} -{flag}")
    if name == "local" and not shell.variables.in_function:
        inside = "can only be used in a function" if shell.dialect == "bash" else "not in a function"
        await shell.complain(f"local: {inside}")
        return 1
    if not args or ("p" in flags and name != "local"):
        return await _list_variables(shell, name, args)
    if "f" in flags:
        return int(any(function not in shell.functions for function in args))
    return max([await _declare_one(shell, name, flags, remove, word) for word in args])


async def _list_variables(shell: Shell, name: str, args: list[str]) -> int:
    status = 0
    for one in args or shell.variables.names():
        found = shell.variables.get(one)
        if found is None:
            await shell.complain(f"{name}: {one}: not found")
            status = 1
        elif args or name in ("declare", "typeset") or (found.exported if name == "export" else found.readonly):
            if shell.dialect == "bash":
                flags = ("r" if found.readonly else "") + ("x" if found.exported else "")
                value = f"={double_quote(found.value)}" if found.value is not None else ""
                await shell.write(1, f"declare -{flags or '-'} {one}{value}\n")
            else:
                await shell.write(1, f"{name} {one}='{found.value or ''}'\n")
    return status


async def _declare_one(shell: Shell, name: str, flags: str, remove: str, word: str) -> int:
    target, equals, value = word.partition("=")
    append = target.endswith("+") and bool(equals)
    target = target.removesuffix("+") if append else target
    if not _NAME.fullmatch(target):
        if shell.dialect == "bash":
            await shell.complain(f"{name}: `{word}': not a valid identifier")
            return 1
        await shell.complain(f"{name}: {target}: bad variable name")
        raise ExitShell(2)
    local = name == "local" or (name in ("declare", "typeset") and shell.variables.in_function and "g" not in flags)
    if local and append:
        value, append = (shell.variables.text(target) or "") + value, False
    variable = shell.variables.local(target) if local else shell.variables.declare(target)
    if equals:
        try:
            shell.assign(target, value, append=append)
        except ReadOnly:
            if shell.dialect != "bash":
                raise
            await shell.complain(f"{target}: readonly variable")
            return 1
    if name == "export" or "x" in flags:
        variable.exported = "n" not in flags
    if "x" in remove:
        variable.exported = False
    if name == "readonly" or "r" in flags:
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
            await shell.complain(f"unset: `{word}': not a valid identifier")
            status = 1
        else:
            try:
                shell.variables.unset(word)
            except ReadOnly:
                if shell.dialect != "bash":
                    await shell.complain(f"unset: {word}: is read only")
                    raise ExitShell(2) from None
                await shell.complain(f"unset: {word}: cannot unset: readonly variable")
                status = 1
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
    index = 1
    while index < len(words):
        word = words[index]
        if word == "--":
            shell.positional = words[index + 1 :]
            return 0
        if word == "-":
            shell.options -= {"xtrace", "verbose"}
            shell.positional = words[index + 1 :] or shell.positional
            return 0
        if len(word) < 2 or word[0] not in "-+":
            shell.positional = words[index:]
            return 0
        for letter in word[1:]:
            if letter == "o":
                index += 1
                if index >= len(words):
                    return await _list_options(shell)
                option = words[index]
                if option in _LEFT_OUT:
                    return await left_out(shell, f"set -o {option}")
                if option not in _OPTION_NAMES:
                    await shell.complain(f"set: {option}: invalid option name")
                    return 2
            elif letter in FLAGS:
                option = FLAGS[letter]
                if option in _LEFT_OUT:
                    return await left_out(shell, f"set {word[0]}{letter}")
            else:
                return await usage(
                    shell, "set", f"{word[0]}{letter}", "set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]"
                )
            (shell.options.add if word[0] == "-" else shell.options.discard)(option)
        index += 1
    return 0


_OPTION_NAMES = frozenset({*FLAGS.values(), "pipefail"})
_LEFT_OUT = frozenset({"posix", "emacs", "vi", "history", "ignoreeof", "noexec", "verbose", "notify"})


async def _list_options(shell: Shell) -> int:
    for option in sorted(_OPTION_NAMES):
        await shell.write(1, f"{option:<15}\t{'on' if option in shell.options else 'off'}\n")
    return 0


@builtin("shift")
async def shift(shell: Shell, words: list[str]) -> int:
    """Drop the first positional parameters."""
    count = int(words[1]) if len(words) > 1 and words[1].isdigit() and len(words[1]) < 8 else 1
    if count > len(shell.positional):
        if shell.dialect != "bash":
            await shell.complain("shift: can't shift that many")
            raise ExitShell(2)
        return 1
    shell.positional = shell.positional[count:]
    return 0


@builtin("let")
async def let(shell: Shell, words: list[str]) -> int:
    """Evaluate expressions."""
    if len(words) < 2:
        await shell.complain("let: expression expected")
        return 1
    value = 0
    for word in words[1:]:
        try:
            value = shell.evaluate(word)
        except ArithmeticProblem as error:
            await shell.complain(f"let: {error.message}")
            return 1
    return int(value == 0)
