"""Options and positional parameters: ``set``, ``shift``, ``getopts``; and ``let``."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.builtins.declaring import double_quote
from labkit.embedded.container.shell.builtins.table import builtin, usage
from labkit.embedded.container.shell.interpreter import Shell
from labkit.embedded.container.shell.leaving import Leave
from labkit.embedded.container.shell.problems import ExpansionError
from labkit.embedded.container.shell.special import FLAGS


@builtin("set")
async def set_options(shell: Shell, words: list[str]) -> int:
    """Set options and positional parameters, or list variables."""
    if len(words) == 1:
        for name in shell.variables.names():
            found = shell.variables.get(name)
            if found is not None and found.array is not None:
                items = " ".join(f"[{key}]={double_quote(value)}" for key, value in found.array.items())
                await shell.write(1, f"{name}=({items})\n")
            elif found is not None and found.value is not None:
                plain = re.fullmatch(r"[\w@%+=:,./-]*", found.value) is not None and shell.dialect == "bash"
                quoted = found.value if plain else "'" + found.value.replace("'", "'\\''") + "'"
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
                if option not in _OPTION_NAMES:
                    await shell.complain(f"set: {option}: invalid option name")
                    return 2
            elif letter in FLAGS:
                option = FLAGS[letter]
            else:
                return await usage(
                    shell, "set", f"{word[0]}{letter}", "set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]"
                )
            (shell.options.add if word[0] == "-" else shell.options.discard)(option)
        index += 1
    return 0


_OPTION_NAMES = frozenset({*FLAGS.values(), "pipefail", "posix", "emacs", "vi", "history", "ignoreeof"})


async def _list_options(shell: Shell) -> int:
    for option in sorted(_OPTION_NAMES):
        await shell.write(1, f"{option:<15}\t{'on' if option in shell.options else 'off'}\n")
    return 0


@builtin("shopt")
async def shopt(shell: Shell, words: list[str]) -> int:
    """Take shell options and do without."""
    return 0


@builtin("shift")
async def shift(shell: Shell, words: list[str]) -> int:
    """Drop the first positional parameters."""
    count = int(words[1]) if len(words) > 1 and words[1].isdigit() and len(words[1]) < 8 else 1
    if count > len(shell.positional):
        if shell.dialect != "bash":
            await shell.complain("shift: can't shift that many")
            raise Leave(2)
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
            value = await shell.expander.arithmetic(word)
        except ExpansionError as error:
            await shell.complain(f"let: {error.message}")
            return 1
    return int(value == 0)


@builtin("getopts")
async def getopts(shell: Shell, words: list[str]) -> int:
    """Read options from the positional parameters."""
    if len(words) < 3:
        await shell.write(2, "getopts: usage: getopts optstring name [arg ...]\n")
        return 2
    spec, name = words[1], words[2]
    args = words[3:] or shell.positional
    quiet = spec.startswith(":")
    text = shell.variables.text("OPTIND") or "1"
    place = int(text) if text.isdigit() and len(text) < 8 else 1
    offset = shell.open_options if place > 0 else 1
    if place > len(args) or not args[place - 1].startswith("-") or args[place - 1] in ("-", "--"):
        if place <= len(args) and args[place - 1] == "--":
            shell.variables.set("OPTIND", str(place + 1))
        shell.variables.set(name, "?")
        shell.open_options = 1
        return 1
    word = args[place - 1]
    letter = word[offset] if offset < len(word) else "?"
    offset += 1
    shell.variables.unset("OPTARG")
    position = spec.find(letter) if letter != ":" else -1
    result = letter
    if position < 0:
        result = "?"
        if quiet:
            shell.variables.set("OPTARG", letter)
        else:
            await shell.complain(f"illegal option -- {letter}", where=False)
    elif spec[position + 1 : position + 2] == ":":
        if offset < len(word):
            shell.variables.set("OPTARG", word[offset:])
        elif place < len(args):
            place += 1
            shell.variables.set("OPTARG", args[place - 1])
        else:
            result = ":" if quiet else "?"
            if quiet:
                shell.variables.set("OPTARG", letter)
            else:
                await shell.complain(f"option requires an argument -- {letter}", where=False)
        offset = len(word)
    if offset >= len(args[place - 1]) or offset >= len(word):
        place, offset = place + 1, 1
    shell.open_options = offset
    shell.variables.set("OPTIND", str(place))
    shell.variables.set(name, result)
    return 0
