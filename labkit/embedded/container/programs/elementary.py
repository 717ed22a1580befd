"""Programs that the shell has as builtins too: ``true false echo printf test``."""

from __future__ import annotations

from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.conditions import Questions, TestError, integer
from labkit.embedded.container.shell.printf import echo_text, format_printf
from labkit.embedded.container.shell.process import Process


@program("true")
async def true(process: Process) -> int:
    """Succeed."""
    return 0


@program("false")
async def false(process: Process) -> int:
    """Fail."""
    return 1


@program("echo")
async def echo(process: Process) -> int:
    """Print the arguments."""
    await process.out(echo_text(process.args))
    return 0


@program("printf")
async def printf(process: Process) -> int:
    """Print by a format."""
    if not process.args:
        await process.err("printf: missing operand\nTry 'printf --help' for more information.\n")
        return 1
    text, problems = format_printf(process.args[0], process.args[1:], process.system.now())
    await process.out(text)
    for problem in problems:
        await process.fail(problem)
    return int(bool(problems))


@program("test", "[")
async def test(process: Process) -> int:
    """Answer a question."""
    args = process.args
    if process.name == "[":
        if not args or args[-1] != "]":
            return await process.fail("missing ']'", 2)
        args = args[:-1]
    questions = Questions(process.fs, process.cwd, integer)
    try:
        return int(not questions.ask(args))
    except TestError as error:
        return await process.fail(error.message, 2)
