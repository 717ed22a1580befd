"""Programs that compare two files: ``cmp comm diff``."""

from __future__ import annotations

from labkit.embedded.container.programs.common import all_lines, each_input, everything
from labkit.embedded.container.shell.kernel import BudgetExceeded
from labkit.embedded.container.shell.options import BadOption, complain, read_options
from labkit.embedded.container.shell.process import Process, program
from labkit.embedded.container.shell.streams import decode


@program("comm")
async def comm(process: Process) -> int:
    """Compare two sorted files."""
    try:
        options = read_options(process.args, "123")
    except BadOption as error:
        return await complain(process, error)
    if len(options.args) != 2:
        await process.err("comm: missing operand\nTry 'comm --help' for more information.\n")
        return 1
    left, first = await all_lines(process, options.args[:1])
    right, second = await all_lines(process, options.args[1:])
    if first or second:
        return 1
    a = b = 0
    hidden = [options.has(letter) for letter in "123"]
    while a < len(left) or b < len(right):
        if b >= len(right) or (a < len(left) and left[a] < right[b]):
            column, line = 0, left[a]
            a += 1
        elif a >= len(left) or right[b] < left[a]:
            column, line = 1, right[b]
            b += 1
        else:
            column, line = 2, left[a]
            a, b = a + 1, b + 1
        if not hidden[column]:
            await process.stdout.write(b"\t" * sum(not hidden[place] for place in range(column)) + line + b"\n")
    return 0


@program("cmp")
async def cmp(process: Process) -> int:
    """Compare two files byte by byte."""
    names = [name for name in process.args if not name.startswith("-") or name == "-"]
    if len(names) < 2:
        await process.err("cmp: missing operand\n")
        return 2
    contents = []
    async for _, stream in each_input(process, names[:2]):
        if stream is None:
            return 2
        contents.append(await everything(process, stream))
    first, second = contents
    if first == second:
        return 0
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            if "-s" not in process.args:
                line = first.count(b"\n", 0, place) + 1
                await process.out(f"{names[0]} {names[1]} differ: char {place + 1}, line {line}\n")
            return 1
    shorter, content = (names[0], first) if len(first) < len(second) else (names[1], second)
    count = content.count(b"\n")
    where = f", line {count}" if content.endswith(b"\n") else f", in line {count + 1}"
    await process.err(f"cmp: EOF on {shorter} after byte {len(content)}{where if content else ''}\n")
    return 1


@program("diff")
async def diff(process: Process) -> int:
    """Compare two files line by line (in the unified form if asked)."""
    import difflib

    try:
        options = read_options(process.args, "uqrNwbiay", "U", {"unified": "u", "brief": "q"})
    except BadOption as error:
        return await complain(process, error, 2)
    if len(options.args) != 2:
        await process.err("diff: missing operand after '" + (options.args[-1] if options.args else "diff") + "'\n")
        return 2
    sides: list[list[str]] = []
    for name in options.args:
        found, status = await all_lines(process, [name])
        if status:
            return 2
        sides.append([decode(line) + "\n" for line in found])
    if sides[0] == sides[1]:
        return 0
    if options.has("q"):
        await process.out(f"Files {options.args[0]} and {options.args[1]} differ\n")
        return 1
    if len(sides[0]) * len(sides[1]) > 1_000_000:
        raise BudgetExceeded("the lab's limit of work for one command was reached")
    process.kernel.charge(len(sides[0]) * len(sides[1]) / 1000 + 1)
    if options.has("u", "U"):
        for line in difflib.unified_diff(sides[0], sides[1], options.args[0], options.args[1]):
            await process.out(line)
        return 1
    for tag, a, b, c, d in difflib.SequenceMatcher(None, sides[0], sides[1], autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        left = f"{a + 1},{b}" if b - a > 1 else str(a + 1 if b > a else a)
        right = f"{c + 1},{d}" if d - c > 1 else str(c + 1 if d > c else c)
        await process.out(f"{left}{ {'replace': 'c', 'delete': 'd', 'insert': 'a'}[tag] }{right}\n")
        for line in sides[0][a:b]:
            await process.out("< " + line)
        if tag == "replace":
            await process.out("---\n")
        for line in sides[1][c:d]:
            await process.out("> " + line)
    return 1
