"""Builtins that read input into variables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from labkit.embedded.container.shell.builtins.table import builtin, left_out, usage
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.streams import Stream, StreamError, decode, encode

USAGE = (
    "read [-Eers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]"
)


@dataclass(slots=True)
class _Asked:
    """What the words after ``read`` ask for.

    Args:
        source: Where to read from.
        names: The variables.
        prompt: What to say first, on a terminal.
        delimiter: What ends the line.
        count: How many characters to read at the most; -1 for a whole line.
        raw: Whether a backslash is just a backslash.
    """

    source: Stream
    names: list[str] = field(default_factory=list)
    prompt: str = ""
    delimiter: bytes = b"\n"
    count: int = -1
    raw: bool = False

    def take(self, letter: str, value: str, shell: Shell) -> None:
        """Take an option's value; nobody waits here for ``-t``."""
        if letter == "p":
            self.prompt = value
        elif letter == "d":
            self.delimiter = encode(value)[:1] or b"\0"
        elif letter in "nN":
            self.count = int(value) if value.isdigit() and len(value) < 7 else 0
        elif letter == "u" and value.isdigit():
            self.source = shell.fds.get(int(value[:3]), self.source)


@builtin("read")
async def read(shell: Shell, words: list[str]) -> int:
    """Read a line into variables."""
    asked = await _asked(shell, words[1:])
    if isinstance(asked, int):
        return asked
    if asked.prompt and asked.source.terminal:
        await shell.write(2, asked.prompt)
    for name in asked.names:
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            await shell.complain(f"read: `{name}': not a valid identifier")
            return 1
    try:
        ended, line, safe = await _read_line(asked.source, asked.delimiter, asked.count, raw=asked.raw)
    except StreamError as error:
        await shell.complain(f"read: read error: 0: {error.reason}")
        return 1
    await _keep(shell, asked, line, safe)
    return int(ended)


async def _asked(shell: Shell, words: list[str]) -> _Asked | int:
    """The options and names; a status where they are wrong, which is said then."""
    asked = _Asked(shell.fds[0])
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("-") or len(word) < 2 or asked.names:
            asked.names.append(word)
            continue
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in "ai":
                return await left_out(shell, f"read -{letter}")
            if letter in "pdntNu":
                if not letters and not left:
                    await shell.complain(f"read: -{letter}: option requires an argument")
                    return 2
                asked.take(letter, letters or left.pop(0), shell)
                letters = ""
            elif letter == "r":
                asked.raw = True
            elif letter not in "se":
                return await usage(shell, "read", "-" + letter, USAGE)
    return asked


async def _keep(shell: Shell, asked: _Asked, line: str, safe: list[bool]) -> None:
    """Put the line's fields into the variables."""
    if not asked.names:
        shell.assign("REPLY", line)
        return
    separators = shell.variables.text("IFS")
    fields = _split(line, safe, " \t\n" if separators is None else separators, len(asked.names))
    for place, name in enumerate(asked.names):
        shell.assign(name, fields[place] if place < len(fields) else "")


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
