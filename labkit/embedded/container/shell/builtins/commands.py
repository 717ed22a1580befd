"""Builtins that leave, evaluate, test and describe commands."""

from __future__ import annotations

import re

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.shell.builtins.table import BASH_ONLY, BUILTINS, KEYWORDS, SPECIAL_BUILTINS, builtin
from labkit.embedded.container.shell.conditions import TestError, integer, shell_questions
from labkit.embedded.container.shell.errors import ExitShell, LoopControl, ReturnFromFunction
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.run_program import look_up, run_program
from labkit.embedded.container.shell.streams import decode


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


@builtin("exit")
async def exit_shell(shell: Shell, words: list[str]) -> int:
    """End the shell; bash says so to a person."""
    if shell.interactive and shell.dialect == "bash":
        await shell.write(2, "exit\n")
    if len(words) > 1:
        if not re.fullmatch(r"[-+]?\d{1,18}", words[1]):
            if shell.dialect == "bash":
                await shell.complain(f"exit: {words[1]}: numeric argument required")
            else:
                await shell.complain(f"exit: Illegal number: {words[1]}")
            raise ExitShell(2)
        if len(words) > 2 and shell.dialect == "bash":
            await shell.complain("exit: too many arguments")
            return 1
        raise ExitShell(int(words[1]))
    raise ExitShell(shell.status)


@builtin("return")
async def return_from(shell: Shell, words: list[str]) -> int:
    """End a function or a sourced script."""
    if not shell.variables.in_function and not shell.sourcing:
        if shell.dialect == "bash":
            await shell.complain("return: can only `return' from a function or sourced script")
            return 2
        raise ExitShell(int(words[1]) if len(words) > 1 and words[1].isdigit() else shell.status)
    if len(words) > 1 and not re.fullmatch(r"-?\d{1,18}", words[1]):
        await shell.complain(f"return: {words[1]}: numeric argument required")
        raise ReturnFromFunction(2)
    raise ReturnFromFunction(int(words[1]) if len(words) > 1 else shell.status)


@builtin("break", "continue")
async def loop_control(shell: Shell, words: list[str]) -> int:
    """Leave a loop, or its round."""
    if not shell.loops:
        if shell.dialect == "bash":
            await shell.complain(f"{words[0]}: only meaningful in a `for', `while', or `until' loop")
        return 0
    levels = int(words[1]) if len(words) > 1 and words[1].isdigit() and len(words[1]) < 6 else 1
    if levels < 1:
        await shell.complain(f"{words[0]}: {words[1]}: loop count out of range")
        return 1
    raise LoopControl(levels, again=words[0] == "continue")


@builtin("eval")
async def evaluate(shell: Shell, words: list[str]) -> int:
    """Run its arguments as a script."""
    line = shell.line
    shell.status = 0
    shell.scheduler.depth += 1
    if shell.scheduler.depth > shell.scheduler.budget.depth:
        shell.scheduler.charge(float("inf"))
    try:
        return await shell.run_text(" ".join(words[1:]), where="eval")
    finally:
        shell.scheduler.depth -= 1
        shell.line = line


@builtin("source", ".")
async def source(shell: Shell, words: list[str]) -> int:
    """Run a file in this shell."""
    if len(words) < 2:
        await shell.complain(f"{words[0]}: filename argument required")
        await shell.write(2, f"{words[0]}: usage: {words[0]} filename [arguments]\n")
        return 2
    path = words[1]
    fs = shell.system.fs
    if "/" not in path:
        path = look_up(shell, path) or path
    try:
        text = decode(fs.read(path, shell.cwd))
    except FileError as error:
        if error.reason == "Is a directory":
            await shell.complain(f"{words[0]}: {words[1]}: is a directory")
        elif shell.dialect == "dash":
            await shell.complain(f".: cannot open {words[1]}: No such file")
            raise ExitShell(2) from None
        else:
            await shell.complain(f"{words[1]}: {error.reason}")
        return 1
    kept = shell.positional
    if len(words) > 2:
        shell.positional = words[2:]
    shell.sourcing += 1
    shell.scheduler.depth += 1
    if shell.scheduler.depth > shell.scheduler.budget.depth:
        shell.scheduler.charge(float("inf"))
    where, shell.errors_where = shell.errors_where, words[1]
    try:
        return await shell.run_text(text, where=words[1])
    except ReturnFromFunction as end:
        return end.status
    finally:
        shell.errors_where = where
        shell.sourcing -= 1
        shell.scheduler.depth -= 1
        if len(words) > 2:
            shell.positional = kept


@builtin("exec")
async def exec_program(shell: Shell, words: list[str]) -> int:
    """Become another program."""
    if len(words) == 1:
        return 0
    if look_up(shell, words[1]) is None:
        if shell.dialect == "bash":
            await shell.complain(
                f"exec: {words[1]}: "
                + ("not found" if "/" not in words[1] else "cannot execute: No such file or directory")
            )
        else:
            await shell.complain(f"exec: {words[1]}: not found")
        raise ExitShell(127)
    raise ExitShell(await run_program(shell, words[1:]))


@builtin("test", "[")
async def test(shell: Shell, words: list[str]) -> int:
    """Answer a question about files, texts or numbers."""
    args = words[1:]
    if words[0] == "[":
        if not args or args[-1] != "]":
            await shell.complain("[: missing `]'" if shell.dialect != "dash" else "[: missing ]")
            return 2
        args = args[:-1]
    try:
        return int(not shell_questions(shell, integer).ask(args))
    except TestError as error:
        message = error.message
        if shell.dialect == "dash":
            what, _, kind = message.partition(": ")
            message = {
                "integer expression expected": f"Illegal number: {what}",
                "binary operator expected": f"{what}: unexpected operator",
                "unary operator expected": f"{what}: unexpected operator",
            }.get(kind, message)
        await shell.complain(f"{words[0]}: {message}")
        return 2
