"""Builtins that leave, evaluate, test and describe commands."""

from __future__ import annotations

import re

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.shell.builtins import table
from labkit.embedded.container.shell.conditions import TestError, shell_questions
from labkit.embedded.container.shell.errors import ExitShell, LoopControl, ReturnFromFunction
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.run_program import look_up, run_program
from labkit.embedded.container.shell.streams import decode


@table.builtin("command")
async def command(shell: Shell, words: list[str]) -> int:
    """Run a command that no function hides, or print what it is."""
    args = words[1:]
    if args and args[0] in ("-v", "-V"):
        names = args[1:] if shell.dialect == "bash" else args[1:2]
        short = args[0] == "-v"
        return min([await _describe(shell, name, short=short, where="command") for name in names], default=0)
    while args and args[0] in ("-p", "--"):
        args = args[1:]
    return await shell.call(args, functions=False) if args else 0


async def _describe(shell: Shell, name: str, *, short: bool, where: str) -> int:
    dash = shell.dialect == "dash"
    if name in table.KEYWORDS:
        kind = "a shell keyword"
    elif name in shell.functions:
        kind = "a shell function" if dash else "a function"
    elif name in table.BUILTINS and not (dash and name in table.BASH_ONLY):
        kind = "a special shell builtin" if dash and name in table.SPECIAL_BUILTINS else "a shell builtin"
    elif (path := look_up(shell, name)) is not None:
        kind, name = path, path if short else name
    else:
        if not short and dash:
            await shell.write(1, f"{name}: not found\n")
        elif not short:
            await shell.complain(f"{where}: {name}: not found")
        return 127 if dash else 1
    await shell.write(1, name + "\n" if short else f"{name} is {kind}\n")
    return 0


@table.builtin("type")
async def type_command(shell: Shell, words: list[str]) -> int:
    """Print what a name is."""
    if words[1:2] and words[1].startswith("-") and shell.dialect == "bash":
        return await table.left_out(shell, f"type {words[1]}")
    return max([await _describe(shell, name, short=False, where="type") for name in words[1:]], default=0)


@table.builtin("exit")
async def exit_shell(shell: Shell, words: list[str]) -> int:
    """End the shell; an interactive bash prints ``exit``."""
    if shell.interactive and shell.dialect == "bash":
        await shell.write(2, "exit\n")
    if len(words) == 1:
        raise ExitShell(shell.status)
    if shell.dialect == "bash" and not re.fullmatch(r"[-+]?\d{1,18}", words[1]):
        raise ExitShell(await shell.complain(f"exit: {words[1]}: numeric argument required", 2))
    if shell.dialect != "bash" and not re.fullmatch(r"\d{1,18}", words[1]):
        raise ExitShell(await shell.complain(f"exit: Illegal number: {words[1]}", 2))
    if len(words) > 2 and shell.dialect == "bash":
        raise ExitShell(await shell.complain("exit: too many arguments"))
    raise ExitShell(int(words[1]))


@table.builtin("return")
async def return_from(shell: Shell, words: list[str]) -> int:
    """End a function or a sourced script."""
    if len(words) > 2 and shell.dialect == "bash":
        raise ExitShell(await shell.complain("return: too many arguments"))
    if not shell.variables.in_function and not shell.sourcing:
        if shell.dialect == "bash":
            return await shell.complain("return: can only `return' from a function or sourced script", 2)
        raise ExitShell(int(words[1]) if len(words) > 1 and words[1].isdigit() else shell.status)
    if len(words) > 1 and not re.fullmatch(r"-?\d{1,18}", words[1]):
        raise ReturnFromFunction(await shell.complain(f"return: {words[1]}: numeric argument required", 2))
    raise ReturnFromFunction(int(words[1]) if len(words) > 1 else shell.status)


@table.builtin("break", "continue")
async def loop_control(shell: Shell, words: list[str]) -> int:
    """Leave a loop, or its round."""
    if not shell.loops:
        if shell.dialect == "bash":
            await shell.complain(f"{words[0]}: only meaningful in a `for', `while', or `until' loop")
        return 0
    levels = int(words[1]) if len(words) > 1 and words[1].isdigit() and len(words[1]) < 6 else 1
    if levels < 1:
        return await shell.complain(f"{words[0]}: {words[1]}: loop count out of range")
    raise LoopControl(levels, again=words[0] == "continue")


async def _run_nested(shell: Shell, text: str, *, name: str, errors: str) -> int:
    """Run a text in this shell, one level deeper, with another name in its errors."""
    line, where = shell.line, shell.errors_where
    shell.scheduler.depth += 1
    if shell.scheduler.depth > shell.scheduler.budget.depth:
        shell.scheduler.charge(float("inf"))
    shell.errors_where = errors
    try:
        return await shell.run_text(text, where=name)
    finally:
        shell.errors_where = where
        shell.scheduler.depth -= 1
        shell.line = line


@table.builtin("eval")
async def evaluate(shell: Shell, words: list[str]) -> int:
    """Run its arguments as a script."""
    shell.status = 0
    errors = "eval" if shell.dialect == "dash" else shell.errors_where
    return await _run_nested(shell, " ".join(words[1:]), name="eval", errors=errors)


@table.builtin("source", ".")
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
            return await shell.complain(f"{words[0]}: {words[1]}: is a directory")
        if shell.dialect == "dash":
            raise ExitShell(await shell.complain(f".: cannot open {words[1]}: No such file", 2)) from None
        return await shell.complain(f"{words[1]}: {error.reason}")
    kept = shell.positional
    if len(words) > 2 and shell.dialect == "bash":
        shell.positional = words[2:]
    shell.sourcing += 1
    try:
        return await _run_nested(shell, text, name=words[1], errors=words[1])
    except ReturnFromFunction as end:
        return end.status
    finally:
        shell.sourcing -= 1
        if len(words) > 2:
            shell.positional = kept


@table.builtin("exec")
async def exec_program(shell: Shell, words: list[str]) -> int:
    """Become another program."""
    if len(words) == 1:
        return 0
    if look_up(shell, words[1]) is None:
        raise ExitShell(await shell.complain(f"exec: {words[1]}: not found", 127))
    shell.traps.clear()
    raise ExitShell(await run_program(shell, words[1:]))


@table.builtin("test", "[")
async def test(shell: Shell, words: list[str]) -> int:
    """Answer a question about files, texts or numbers."""
    args = words[1:]
    if words[0] == "[":
        if not args or args[-1] != "]":
            return await shell.complain("[: missing `]'" if shell.dialect != "dash" else "[: missing ]", 2)
        args = args[:-1]
    try:
        return int(not shell_questions(shell).ask(args))
    except TestError as error:
        message = str(error)
        if shell.dialect == "dash":
            what, _, kind = message.partition(": ")
            message = {
                "integer expression expected": f"Illegal number: {what}",
                "argument expected": f"{what}: argument expected",
                "binary operator expected": f"{what}: unexpected operator",
                "unary operator expected": f"{what}: unexpected operator",
            }.get(kind, message)
        return await shell.complain(f"{words[0]}: {message}", 2)
