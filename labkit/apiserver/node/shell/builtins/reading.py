"""Builtins that read input into variables."""

from __future__ import annotations

import re

from labkit.apiserver.node.shell.assigning import assign
from labkit.apiserver.node.shell.builtins.table import builtin, usage
from labkit.apiserver.node.shell.interpreter import Shell
from labkit.apiserver.node.shell.streams import Stream, StreamError, decode, encode


@builtin("read")
async def read(shell: Shell, words: list[str]) -> int:
    """Read a line into variables."""
    raw = silent = False
    prompt = ""
    delimiter = b"\n"
    count = -1
    array = ""
    source: Stream = shell.fds[0]
    index = 1
    names: list[str] = []
    while index < len(words):
        word = words[index]
        if not word.startswith("-") or len(word) < 2 or names:
            names.append(word)
            index += 1
            continue
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter == "r":
                raw = True
            elif letter == "s":
                silent = True
            elif letter in "pdntaNu":
                if not letters:
                    index += 1
                    if index >= len(words):
                        await shell.complain(f"read: -{letter}: option requires an argument")
                        return 2
                value, letters = letters or words[index], ""
                if letter == "p":
                    prompt = value
                elif letter == "d":
                    delimiter = encode(value)[:1] or b"\0"
                elif letter in "nN":
                    count = int(value) if value.isdigit() and len(value) < 7 else 0
                elif letter == "a":
                    array = value
                elif letter == "u" and value.isdigit():
                    source = shell.fds.get(int(value[:3]), source)
            elif letter not in "e":
                return await usage(
                    shell,
                    "read",
                    "-" + letter,
                    "read [-Eers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] "
                    "[-t timeout] [-u fd] [name ...]",
                )
        index += 1
    if prompt and source.terminal:
        await shell.write(2, prompt)
    for name in names:
        if not re.fullmatch(r"[A-Za-z_]\w*(\[[^]]*\])?", name):
            await shell.complain(f"read: `{name}': not a valid identifier")
            return 1
    _ = silent
    try:
        ended, line, safe = await _read_line(source, delimiter, count, raw=raw)
    except StreamError as error:
        await shell.complain(f"read: read error: 0: {error.reason}")
        return 1
    separators = shell.separators()
    if array:
        fields = _split(line, safe, separators, 0)
        shell.variables.set_array(array, dict(enumerate(fields)))
    elif not names:
        await assign(shell, "REPLY", line)
    else:
        fields = _split(line, safe, separators, len(names))
        for place, name in enumerate(names):
            base, _, sub = name.partition("[")
            await assign(shell, base, fields[place] if place < len(fields) else "", sub[:-1] if sub else "")
    return int(ended)


async def _read_line(source: Stream, delimiter: bytes, count: int, *, raw: bool) -> tuple[bool, str, list[bool]]:
    """A logical line.

    Returns:
        Whether the input ended before the delimiter, the text, and which characters were escaped.
    """
    text: list[str] = []
    safe: list[bool] = []
    while True:
        if count >= 0:
            data = await source.read(max(1, count - len(text)))
            line = data
        else:
            line = await source.read_line(delimiter)
        ended = not line.endswith(delimiter)
        if count >= 0 and delimiter in line:
            line, _, rest = line.partition(delimiter)
            source.unread(rest)
            ended = False
            line += delimiter
        body = decode(line.removesuffix(delimiter)).replace("\0", "")
        again = False
        place = 0
        while place < len(body):
            char = body[place]
            if char == "\\" and not raw:
                place += 1
                if place >= len(body):
                    again = not ended
                    break
                text.append(body[place])
                safe.append(True)
            else:
                text.append(char)
                safe.append(False)
            place += 1
        if count >= 0:
            return not line, "".join(text), safe
        if not again:
            return ended, "".join(text), safe


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
        if limit and len(out) == limit - 1:
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


@builtin("mapfile", "readarray")
async def mapfile(shell: Shell, words: list[str]) -> int:
    """Read lines into an array."""
    strip = "-t" in words
    names = [word for word in words[1:] if not word.startswith("-")]
    lines: dict[int | str, str] = {}
    while len(lines) < 50_000:
        await shell.kernel.tick(0.2)
        line = await shell.fds[0].read_line()
        if not line:
            break
        text = decode(line)
        lines[len(lines)] = text.removesuffix("\n") if strip else text
    shell.variables.set_array(names[0] if names else "MAPFILE", lines)
    return 0
