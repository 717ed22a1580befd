"""``chmod``."""

from __future__ import annotations

import re

from labkit.embedded.container.files.inodes import Directory, FileError, Link
from labkit.embedded.container.programs.common import missing_operand
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process


def _new_mode(spec: str, mode: int, *, directory: bool) -> int | None:
    """A mode changed by ``755`` or ``u+x,go-w``, or None if that is no mode."""
    if re.fullmatch(r"[0-7]{1,4}", spec):
        return int(spec, 8)
    for clause in spec.split(","):
        match = re.fullmatch(r"([ugoa]*)([-+=])([rwxXst]*)", clause)
        if match is None:
            return None
        who = match[1] or "a"
        who = "ugo" if "a" in who else who
        bits = 0
        for letter in match[3]:
            if letter == "X":
                letter = "x" if directory or mode & 0o111 else ""
            value = {"r": 4, "w": 2, "x": 1}.get(letter, 0)
            for one in who:
                bits |= value << {"u": 6, "g": 3, "o": 0}[one]
            if letter == "t":
                bits |= 0o1000
            if letter == "s":
                bits |= (0o4000 if "u" in who else 0) | (0o2000 if "g" in who else 0)
        if match[2] == "+":
            mode |= bits
        elif match[2] == "-":
            mode &= ~bits
        else:
            mask = sum(7 << {"u": 6, "g": 3, "o": 0}[one] for one in set(who))
            mode = (mode & ~mask) | bits
    return mode


@program("chmod")
async def chmod(process: Process) -> int:
    """Change permissions."""
    recursive = any(word in ("-R", "--recursive") for word in process.args)
    args = [word for word in process.args if word not in ("-R", "--recursive", "-f")]
    if len(args) < 2:
        return await missing_operand(process, f"missing operand after '{args[0]}'" if args else "missing operand")
    spec, *names = args
    if _new_mode(spec, 0, directory=False) is None:
        return await missing_operand(process, f"invalid mode: '{spec}'")

    def change(path: str) -> None:
        node = process.fs.own(process.fs.find(path, process.cwd))
        mode = _new_mode(spec, node.mode, directory=isinstance(node, Directory))
        if process.fs.uid not in (0, node.uid) or mode is None:
            raise FileError("Operation not permitted")
        node.mode = mode

    status = 0
    for name in names:
        try:
            paths = [name]
            if recursive:
                walk = process.fs.walk(process.node(name), name)
                paths = [path for path, node, _ in walk if not isinstance(node, Link)]
            for path in paths:
                await process.scheduler.tick()
                change(path)
        except FileError as error:
            verb = "cannot access" if error.reason.startswith("No such") else "changing permissions of"
            status = await process.fail(f"{verb} '{name}': {error.reason}")
    return status
