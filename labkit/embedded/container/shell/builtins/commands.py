"""Builtins that leave, run, test and describe commands."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.builtins import table
from labkit.embedded.container.shell.conditions import TestError, shell_questions
from labkit.embedded.container.shell.errors import ExitShell, LoopControl
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.run_program import look_up, run_program


@table.builtin("command")
async def command(shell: Shell, words: list[str]) -> int:
    """Run a command that no function hides, or with ``-v`` print what it is."""
    args = words[1:]
    if args[:1] == ["-v"]:
        names = args[1:] if shell.dialect == "bash" else args[1:2]
        return min([await _describe(shell, name) for name in names], default=0)
    if args[:1] == ["-V"]:
        return await table.left_out(shell, "command -V")
    while args and args[0] in ("-p", "--"):
        args = args[1:]
    return await shell.call(args, functions=False) if args else 0


async def _describe(shell: Shell, name: str) -> int:
    own = name in table.KEYWORDS or name in shell.functions
    own = own or (
        name in table.BUILTINS and not (shell.dialect == "dash" and name in table.BASH_ONLY)
    )
    path = name if own else look_up(shell, name)
    if path is None:
        return 127 if shell.dialect == "dash" else 1
    await shell.write(1, path + "\n")
    return 0


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


@table.builtin("break", "continue")
async def loop_control(shell: Shell, words: list[str]) -> int:
    """Leave a loop, or its round."""
    if not shell.loops:
        if shell.dialect == "bash":
            await shell.complain(
                f"{words[0]}: only meaningful in a `for', `while', or `until' loop"
            )
        return 0
    levels = int(words[1]) if len(words) > 1 and words[1].isdigit() and len(words[1]) < 6 else 1
    if levels < 1:
        return await shell.complain(f"{words[0]}: {words[1]}: loop count out of range")
    raise LoopControl(levels, again=words[0] == "continue")


@table.builtin("exec")
async def exec_program(shell: Shell, words: list[str]) -> int:
    """Become another program."""
    if len(words) == 1:
        return 0
    if look_up(shell, words[1]) is None:
        raise ExitShell(await shell.complain(f"exec: {words[1]}: not found", 127))
    raise ExitShell(await run_program(shell, words[1:]))


@table.builtin("test", "[")
async def test(shell: Shell, words: list[str]) -> int:
    """Answer a question about files, texts or numbers."""
    args = words[1:]
    if words[0] == "[":
        if not args or args[-1] != "]":
            return await shell.complain(
                "[: missing `]'" if shell.dialect != "dash" else "[: missing ]", 2
            )
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
