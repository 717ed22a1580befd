"""Small programs, some of which shells have as builtins too: ``true false echo printf test date sleep``."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from labkit.embedded.container.programs.common import is_busybox, missing_operand, seconds_of
from labkit.embedded.container.programs.options import read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.conditions import Questions, TestError, integer
from labkit.embedded.container.shell.printf import echo_text, format_printf
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.scheduler import Sleep


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
    questions = Questions(process.fs, process.cwd, integer)
    try:
        return int(not questions.ask(args))
    except TestError as error:
        return await process.fail(error.message, 2)


@program("date")
async def date(process: Process) -> int:
    """Print the time."""
    options = read_options(process.args, "u,utc,universal R,rfc-email I,iso-8601? d,date= s! set! r! f! rfc-3339!")
    moment = process.system.now()
    given = options.value("d")
    if given is not None:
        found = _moment(given, moment)
        if found is None:
            return await process.fail(f"invalid date '{given}'")
        moment = found
    layout = "%a %b %e %H:%M:%S UTC %Y"
    if options.has("R"):
        layout = "%a, %d %b %Y %H:%M:%S +0000"
    if options.has("I"):
        layout = "%Y-%m-%d"
    for word in options.args:
        if not word.startswith("+"):
            return await process.fail(f"invalid date '{word}'")
        layout = word[1:]
    await process.out(_strftime(layout, moment) + "\n")
    return 0


def _moment(text: str, now: float) -> float | None:
    if re.fullmatch(r"@\d{1,11}(\.\d+)?", text):
        return float(text[1:])
    if text in ("now", "today", ""):
        return now
    match = re.fullmatch(r"([+-]?)\s*(\d{1,6})\s*(second|sec|minute|min|hour|day|week)s?(\s+ago)?", text)
    if match is not None:
        unit = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86400, "week": 604800}[match[3]]
        sign = -1 if (match[1] == "-") != bool(match[4]) else 1
        return now + sign * int(match[2]) * unit
    if text in ("yesterday", "tomorrow"):
        return now + (86400 if text == "tomorrow" else -86400)
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def _strftime(layout: str, moment: float) -> str:
    try:
        stamp = time.gmtime(moment)
    except (ValueError, OverflowError, OSError):
        return "?"
    own = {"s": str(int(moment)), "N": f"{int(moment % 1 * 1e9):09}", "Z": "UTC", "z": "+0000",
           "3N": f"{int(moment % 1 * 1000):03}",
           "F": time.strftime("%Y-%m-%d", stamp), "T": time.strftime("%H:%M:%S", stamp), "n": "\n", "t": "\t",
           "e": f"{stamp.tm_mday:2}", "k": f"{stamp.tm_hour:2}", "%": "%", "R": time.strftime("%H:%M", stamp),
           "D": time.strftime("%m/%d/%y", stamp)}  # fmt: skip

    def one(match: re.Match[str]) -> str:
        key = match[1]
        if key in own:
            return own[key]
        if key in "aAbBcdHIjmMpSuUVwWxXyYhCGgP":
            return time.strftime("%" + key, stamp)
        return match[0]

    return re.sub(r"%(3N|.)", one, layout[:2000], flags=re.DOTALL)


@program("sleep")
async def sleep(process: Process) -> int:
    """Wait."""
    if not process.args:
        return await missing_operand(process)
    total = 0.0
    for word in process.args:
        seconds = seconds_of(word)
        if seconds is None and is_busybox(process):
            return await process.fail(f"invalid number '{word}'")
        if seconds is None:
            return await missing_operand(process, f"invalid time interval '{word}'")
        total += seconds
    await Sleep(total)
    return 0
