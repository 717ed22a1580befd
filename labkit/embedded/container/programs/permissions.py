"""Programs about who may do what with a file: ``chmod chown``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from labkit.embedded.container.files.inodes import Directory, FileError, Found, Link
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


def _targets(process: Process, name: str, *, recursive: bool) -> Iterator[tuple[str, Found]]:
    found = process.fs.find(name, process.cwd)
    if found.node is None:
        raise FileError("No such file or directory")
    yield name, found
    if recursive and isinstance(found.node, Directory):
        for path, node, _ in process.fs.walk(found.node, name):
            if not isinstance(node, Link) and path != name:
                yield path, process.fs.find(path, process.cwd)


@program("chmod")
async def chmod(process: Process) -> int:
    """Change permissions."""
    recursive = any(word in ("-R", "--recursive") for word in process.args)
    args = [word for word in process.args if word not in ("-R", "--recursive", "-v", "-f", "-c")]
    if not args:
        return await missing_operand(process)
    if len(args) == 1:
        return await missing_operand(process, f"missing operand after '{args[0]}'")
    status = 0
    for name in args[1:]:
        try:
            for _, found in _targets(process, name, recursive=recursive):
                await process.scheduler.tick()
                node = process.fs.own(found)
                mode = _new_mode(args[0], node.mode, directory=isinstance(node, Directory))
                if mode is None:
                    await process.err(f"chmod: invalid mode: '{args[0]}'\nTry 'chmod --help' for more information.\n")
                    return 1
                if process.fs.uid not in (0, node.uid):
                    raise FileError("Operation not permitted")
                node.mode = mode
        except FileError as error:
            verb = "cannot access" if error.reason.startswith("No such") else "changing permissions of"
            status = await process.fail(f"{verb} '{name}': {error.reason}")
    return status
