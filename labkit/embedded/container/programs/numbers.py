"""Programs that calculate: ``seq expr``."""

from __future__ import annotations

import re

from labkit.embedded.container.programs.common import Buffered
from labkit.embedded.container.shell.arithmetic import ArithmeticProblem, evaluate
from labkit.embedded.container.shell.process import Process, program
from labkit.embedded.container.shell.regex import compile_regex
from labkit.embedded.container.shell.regex_parser import RegexError
from labkit.embedded.container.shell.streams import encode


@program("seq")
async def seq(process: Process) -> int:
    """Print numbers."""
    args = list(process.args)
    separator, wide = "\n", False
    while args and (args[0] in ("-w", "-s", "-f") or args[0].startswith("-s")):
        option = args.pop(0)
        if option == "-w":
            wide = True
        elif option == "-s" and args:
            separator = args.pop(0)
        elif option == "-f" and args:
            args.pop(0)
        elif option.startswith("-s"):
            separator = option[2:]
    if not args:
        await process.err("seq: missing operand\nTry 'seq --help' for more information.\n")
        return 1
    for word in args:
        if not re.fullmatch(r"[-+]?\d{1,18}(\.\d{1,9})?", word):
            await process.err(
                f"seq: invalid floating point argument: '{word}'\nTry 'seq --help' for more information.\n"
            )
            return 1
    places = max(len(word.partition(".")[2]) for word in args)
    scale = 10**places
    numbers = [round(float(word) * scale) if places else int(word) for word in args]
    first = numbers[0] if len(numbers) > 1 else scale
    step = numbers[1] if len(numbers) > 2 else scale
    last = numbers[-1]
    if not step:
        return await process.fail(f"invalid Zero increment value: '{args[1]}'")
    output = Buffered(process)
    width = max(len(_decimal(first, places)), len(_decimal(last, places))) if wide else 0
    value = first
    started = False
    while (value <= last) if step > 0 else (value >= last):
        await process.kernel.tick(0.3)
        text = _decimal(value, places)
        text = text.zfill(width) if width else text
        await output.write(encode((separator if started else "") + text))
        started = True
        value += step
    if started:
        await output.write(b"\n")
    await output.flush()
    return 0


def _decimal(value: int, places: int) -> str:
    return f"{value / 10**places:.{places}f}" if places else str(value)


@program("expr")
async def expr(process: Process) -> int:
    """Evaluate an expression of words."""
    args = process.args
    if not args:
        await process.err("expr: missing operand\nTry 'expr --help' for more information.\n")
        return 2
    if args[0] == "length" and len(args) == 2:
        await process.out(f"{len(args[1])}\n")
        return int(not args[1])
    if args[0] == "substr" and len(args) == 4 and args[2].isdigit() and args[3].isdigit():
        start = int(args[2][:9]) - 1
        text = args[1][start : start + int(args[3][:9])] if start >= 0 else ""
        await process.out(text + "\n")
        return int(not text)
    if (
        len(args) == 3
        and args[1] in ("=", "!=", "<", ">")
        and not all(re.fullmatch(r"-?\d+", word) for word in args[::2])
    ):
        value = {"=": args[0] == args[2], "!=": args[0] != args[2], "<": args[0] < args[2], ">": args[0] > args[2]}[
            args[1]
        ]
        await process.out(f"{int(value)}\n")
        return int(not value)
    if len(args) == 3 and args[1] == ":":
        try:
            match = compile_regex("^" + args[2]).find(process.kernel.charge, args[0])
        except RegexError as error:
            return await process.fail(error.message, 2)
        text = (match.group(1) if match.spans[2:] else str(match.end)) if match else "0"
        await process.out(text + "\n")
        return int(text in ("", "0"))
    if len(args) == 1:
        await process.out(args[0] + "\n")
        return int(args[0] in ("", "0"))
    if not all(re.fullmatch(r"-?\d{1,18}|[-+*/%()<>=!|&]{1,2}", word) for word in args):
        return await process.fail("non-integer argument" if len(args) == 3 else "syntax error", 2)
    try:
        number = evaluate(" ".join("==" if word == "=" else word for word in args), lambda _: "", lambda *_: None)
    except ArithmeticProblem as error:
        return await process.fail("division by zero" if "division" in error.message else "syntax error", 2)
    await process.out(f"{number}\n")
    return int(number == 0)
