"""Builtins that read input into variables."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.builtins.table import builtin, left_out, usage
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.streams import Stream, StreamError, decode

USAGE = (
    "read [-Eers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]"
)


@builtin("read")
async def read(shell: Shell, words: list[str]) -> int:
    """Read a line into variables: ``-r`` leaves backslashes, ``-p`` prompts on a terminal, ``-s`` has no effect."""
    args = words[1:]
    raw = False
    prompt = ""
    while args and args[0].startswith("-") and len(args[0]) > 1:
        letters = args.pop(0)[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in "adeEinNtu" and shell.dialect == "bash":
                return await left_out(shell, f"read -{letter}")
            if letter not in "rsp":
                return await usage(shell, "read", "-" + letter, USAGE)
            raw = raw or letter == "r"
            if letter == "p":
                if not letters and not args:
                    return await shell.complain("read: -p: option requires an argument", 2)
                prompt, letters = letters or args.pop(0), ""
    for name in args:
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            if shell.dialect == "dash":
                return await shell.complain(f"read: {name}: bad variable name", 2)
            return await shell.complain(f"read: `{name}': not a valid identifier")
    if not args and shell.dialect == "dash":
        return await shell.complain("read: arg count", 2)
    source = shell.fds[0]
    if prompt and source.terminal:
        await shell.write(2, prompt)
    try:
        ended, line, safe = await _read_line(source, raw=raw)
    except StreamError as error:
        return await shell.complain(f"read: read error: 0: {error.reason}")
    if not args:
        shell.assign("REPLY", line)
    separators = shell.variables.text("IFS")
    fields = _split(line, safe, " \t\n" if separators is None else separators, len(args))
    for place, name in enumerate(args):
        shell.assign(name, fields[place] if place < len(fields) else "")
    return int(ended)


async def _read_line(source: Stream, *, raw: bool) -> tuple[bool, str, list[bool]]:
    """A line with those that backslashes join to it: whether the input ended in it, its text, what was escaped."""
    text = ""
    safe: list[bool] = []
    while True:
        line = decode(await source.read_line())
        ended = not line.endswith("\n")
        joined = False
        characters = iter(line.removesuffix("\n").replace("\0", ""))
        for char in characters:
            escaped = char == "\\" and not raw
            char = next(characters, "") if escaped else char
            joined = escaped and not char
            text += char
            safe += [escaped] * len(char)
        if ended or not joined:
            return ended, text, safe


def _split(line: str, safe: list[bool], separators: str, limit: int) -> list[str]:
    """Split a line for ``read``: the last name takes the rest."""
    blanks = {char for char in separators if char in " \t\n"}
    start, end = 0, len(line)
    while start < end and line[start] in blanks and not safe[start]:
        start += 1
    while end > start and line[end - 1] in blanks and not safe[end - 1]:
        end -= 1
    out: list[str] = []
    while start < end:
        if len(out) == limit - 1:
            out.append(line[start:end])
            return out
        stop = start
        while stop < end and (safe[stop] or line[stop] not in separators):
            stop += 1
        out.append(line[start:stop])
        while stop < end and line[stop] in blanks and not safe[stop]:
            stop += 1
        if stop < end and line[stop] in separators and line[stop] not in blanks and not safe[stop]:
            stop += 1
            while stop < end and line[stop] in blanks and not safe[stop]:
                stop += 1
        start = stop
    return out
