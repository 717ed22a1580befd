"""Small programs, some of which shells have as builtins too: ``true false echo printf test date sleep``."""

from __future__ import annotations

import re
import time

from labkit.embedded.container.programs.common import seconds_of
from labkit.embedded.container.programs.options import BadOption, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.conditions import Questions, TestError
from labkit.embedded.container.shell.printf import echo_text, format_printf
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.task_loop import Sleep


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
    return await process.out(echo_text(process.args))


@program("printf")
async def printf(process: Process) -> int:
    """Print by a format."""
    if not process.args:
        raise BadOption("missing operand")
    text, problems = format_printf(process.args[0], process.args[1:])
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
    questions = Questions(process.fs, process.cwd, lambda descriptor: False)
    try:
        return int(not questions.ask(args))
    except TestError as error:
        return await process.fail(str(error), 2)


_LETTERS = "aAbBcdDeFHIjklmMnpPrRStTuUVwWxXyY%"
"""The conversions that ``date`` takes from C's ``strftime``."""


@program("date")
async def date(process: Process) -> int:
    """Print the time."""
    options = read_options(
        process.args, "u,utc,universal d! date! R! rfc-email! I! iso-8601! s! set! r! f! rfc-3339!"
    )
    moment = process.system.now()
    layout = "+%a %b %e %H:%M:%S UTC %Y"
    for layout in options.args:
        if not layout.startswith("+"):
            return await process.fail(f"invalid date '{layout}'")
    own = {"s": str(int(moment)), "N": f"{int(moment % 1 * 1e9):09}", "Z": "UTC", "z": "+0000"}
    stamp = time.gmtime(moment)

    def filled(match: re.Match[str]) -> str:
        return own.get(match[1]) or (
            time.strftime(match[0], stamp) if match[1] in _LETTERS else match[0]
        )

    return await process.out(re.sub(r"%(.)", filled, layout[1:2000], flags=re.DOTALL) + "\n")


@program("sleep")
async def sleep(process: Process) -> int:
    """Wait."""
    if not process.args:
        raise BadOption("missing operand")
    total = 0.0
    for word in process.args:
        seconds = seconds_of(word)
        if seconds is None:
            raise BadOption(f"invalid time interval '{word}'")
        total += seconds
    await Sleep(total)
    return 0
