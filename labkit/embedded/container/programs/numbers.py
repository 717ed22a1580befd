"""Programs that calculate: ``seq expr``."""

from __future__ import annotations

import re

from labkit.embedded.container.programs.common import Buffered
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
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
        await process.scheduler.tick(0.3)
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
