"""``awk``: patterns and actions over fields, with its usual statements and functions."""

from __future__ import annotations

import re

from labkit.embedded.container.programs.awk_lexer import AwkError
from labkit.embedded.container.programs.awk_parser import Parser
from labkit.embedded.container.programs.awk_run import Awk
from labkit.embedded.container.programs.awk_values import Exit
from labkit.embedded.container.programs.common import each_input, lines
from labkit.embedded.container.shell.kernel import BudgetExceeded
from labkit.embedded.container.shell.options import BadOption, read_options
from labkit.embedded.container.shell.printf import unescape
from labkit.embedded.container.shell.process import Process, program
from labkit.embedded.container.shell.streams import StreamError, decode


@program("awk", "mawk", "gawk")
async def awk(process: Process) -> int:
    """Run an awk program over files."""
    try:
        options = read_options(process.args, "", "Fvf", {"version": "version"}, stop=True)
    except BadOption as error:
        await process.err(
            f"awk: {error.message}\nUsage: awk [-F value] [-v var=value] [--] 'program text' [file ...]\n"
        )
        return 2
    texts = [decode(process.fs.read(value, process.cwd)) for name, value in options.flags if name == "f"]
    args = list(options.args)
    if not texts:
        if not args:
            await process.err("Usage: awk [-F value] [-v var=value] [--] 'program text' [file ...]\n")
            return 2
        texts = [args.pop(0)]
    try:
        parsed = Parser("\n".join(texts)).program()
        machine = Awk(process, parsed)
        separator = options.value("F")
        if separator is not None:
            machine.variables["FS"] = "\t" if separator == "t" else unescape(separator)[0]
        for name, value in options.flags:
            if name == "v":
                key, _, text = value.partition("=")
                machine.variables[key] = machine.from_input(unescape(text)[0])
        return await _run(process, machine, args)
    except AwkError as error:
        await process.err(f"awk: {error.message}\n")
        return 2
    except RecursionError:
        raise BudgetExceeded("the program is nested too deeply") from None


async def _run(process: Process, machine: Awk, names: list[str]) -> int:
    status = 0
    try:
        await machine.begin()
        if machine.reads_input:
            inputs: list[str] = []
            for name in names:
                key, equals, text = name.partition("=")
                if equals and re.fullmatch(r"[A-Za-z_]\w*", key):
                    machine.variables[key] = machine.from_input(unescape(text)[0])
                else:
                    inputs.append(name)
            async for name, stream in each_input(process, inputs):
                if stream is None:
                    return 2
                machine.variables["FILENAME"] = "" if name == "-" else name
                machine.variables["FNR"] = 0.0
                try:
                    async for line in lines(process, stream):
                        await machine.record(decode(line.removesuffix(b"\n")))
                except StreamError as error:
                    await process.err(f"awk: {name}: {error.reason}\n")
                    status = 2
    except Exit as end:
        status = end.status
        if end.in_end:
            await machine.flush()
            return status
    try:
        await machine.end()
    except Exit as end:
        status = end.status
    await machine.flush()
    return status
