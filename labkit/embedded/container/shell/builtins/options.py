"""Options and positional parameters: ``set`` and ``shift``; and ``let``."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.arithmetic import ArithmeticProblem
from labkit.embedded.container.shell.builtins.table import builtin, left_out, usage
from labkit.embedded.container.shell.control_flow import ExitShell
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.special import FLAGS


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
