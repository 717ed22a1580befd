"""Builtins that declare and forget variables."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.assigning import assign
from labkit.embedded.container.shell.builtins.table import builtin, usage
from labkit.embedded.container.shell.interpreter import Shell
from labkit.embedded.container.shell.leaving import Leave
from labkit.embedded.container.shell.splitting import split_words
from labkit.embedded.container.shell.variables import ReadOnly
from labkit.embedded.container.shell.words import parse_word

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _declared(name: str, shell: Shell) -> str:
    """One variable as ``declare -p`` writes it."""
    found = shell.variables.get(name)
    if found is None:
        return ""
    flags = ("A" if found.associative else "a" if found.array is not None else "") + (
        ("i" if found.integer else "") + ("r" if found.readonly else "") + ("x" if found.exported else "")
    )
    lead = f"declare -{flags or '-'} {name}"
    if found.array is not None:
        items = " ".join(f"[{key}]={double_quote(value)}" for key, value in found.array.items())
        return f"{lead}=({items}{' ' if found.associative and items else ''})\n"
    return lead + (f"={double_quote(found.value)}" if found.value is not None else "") + "\n"


def double_quote(text: str) -> str:
    """A text in double quotes, as ``declare -p`` writes it."""
    return '"' + re.sub(r'(["$`\\])', r"\\\1", text) + '"'


@builtin("export", "readonly", "declare", "typeset", "local")
async def declare(shell: Shell, words: list[str]) -> int:
    """Declare variables: exported, read-only, local, arrays."""
    name = words[0]
    flags = ""
    args: list[str] = []
    remove = ""
    for word in words[1:]:
        if word.startswith("-") and len(word) > 1 and not args:
            if word != "--":
                flags += word[1:]
        elif word.startswith("+") and not args:
            remove += word[1:]
        else:
            args.append(word)
    if set(flags) - set("aAfFgilnprtux"):
        bad = next(char for char in flags if char not in "aAfFgilnprtux")
        return await usage(shell, name, "-" + bad, f"{name} [-fn] [name[=value] ...] or {name} -p")
    if name == "local" and not shell.variables.in_function:
        await shell.complain(
            "local: can only be used in a function" if shell.dialect == "bash" else "local: not in a function"
        )
        return 1
    if "f" in flags or "F" in flags:
        for function in args or sorted(shell.functions):
            if function not in shell.functions:
                return 1
            await shell.write(1, f"declare -f {function}\n" if "F" in flags else f"{function} () \n{{ \n}}\n")
        return 0
    if not args or ("p" in flags and name != "local"):
        return await _list_variables(shell, name, args)
    status = 0
    for word in args:
        status = max(status, await _declare_one(shell, name, flags, remove, word))
    return status


async def _list_variables(shell: Shell, name: str, args: list[str]) -> int:
    status = 0
    for one in args or shell.variables.names():
        found = shell.variables.get(one)
        if found is None:
            await shell.complain(f"{name}: {one}: not found")
            status = 1
            continue
        if args or name in ("declare", "typeset") or (found.exported if name == "export" else found.readonly):
            text = _declared(one, shell)
            if shell.dialect != "bash":
                text = f"{name} {one}='{found.value or ''}'\n"
            await shell.write(1, text)
    return status


async def _declare_one(shell: Shell, name: str, flags: str, remove: str, word: str) -> int:
    target, equals, value = word.partition("=")
    append = target.endswith("+") and bool(equals)
    target = target.removesuffix("+") if append else target
    index = ""
    if target.endswith("]") and "[" in target:
        target, _, index = target[:-1].partition("[")
    if not _NAME.fullmatch(target):
        if shell.dialect == "bash":
            await shell.complain(f"{name}: `{word}': not a valid identifier")
            return 1
        await shell.complain(f"{name}: {target}: bad variable name")
        raise Leave(2)
    is_local = name == "local" or (name in ("declare", "typeset") and shell.variables.in_function and "g" not in flags)
    if is_local:
        if equals and append:
            before = shell.variables.text(target) or ""
            shell.variables.local(target)
            value, append = before + value, False
        variable = shell.variables.local(target)
    else:
        variable = shell.variables.declare(target)
    if "i" in flags:
        variable.integer = True
    if "A" in flags and variable.array is None:
        variable.array, variable.associative = {}, True
    if "a" in flags and variable.array is None:
        variable.array = {0: variable.value} if variable.value is not None else {}
        variable.value = None
    try:
        if equals:
            if value.startswith("(") and value.endswith(")") and ("a" in flags or "A" in flags):
                items = [await shell.expander.text(parse_word(item)) for item in split_words(value[1:-1])]
                shell.variables.set_array(target, dict(enumerate(items)))
            else:
                if "u" in flags:
                    value = value.upper()
                if "l" in flags:
                    value = value.lower()
                await assign(shell, target, value, index, append=append)
    except ReadOnly:
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
        if word in ("-f", "-v", "-n"):
            functions = word == "-f"
            continue
        if functions:
            shell.functions.pop(word, None)
            continue
        try:
            if word.endswith("]") and "[" in word:
                name, _, index = word[:-1].partition("[")
                found = shell.variables.get(name)
                if found is not None and found.array is not None:
                    key: int | str = index if found.associative else await shell.expander.arithmetic(index)
                    found.array.pop(key, None)
            elif shell.variables.get(word) is None and word in shell.functions:
                shell.functions.pop(word)
            else:
                shell.variables.unset(word)
        except ReadOnly:
            await shell.complain(f"unset: {word}: cannot unset: readonly variable")
            status = 1
    return status
