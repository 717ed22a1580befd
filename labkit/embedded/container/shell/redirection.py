"""Redirections of a command's descriptors."""

from __future__ import annotations

from collections.abc import Sequence

from labkit.embedded.container.files.inodes import File, FileError
from labkit.embedded.container.shell.messages import cannot_open
from labkit.embedded.container.shell.open_files import open_path
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.streams import ClosedStream, TextStream, encode
from labkit.embedded.container.shell.syntax import Redirect


async def redirect(shell: Shell, redirects: Sequence[Redirect]) -> bool:
    """Apply redirections to the shell's own descriptors.

    Returns:
        False if one failed; that was said already.
    """
    for one in redirects:
        try:
            problem = await _redirect(shell, one)
        except FileError as error:
            target = await shell.text(one.target)
            problem = cannot_open(target, error.reason, shell.dialect, reading=one.operator == "<")
        if problem:
            await shell.complain(problem)
            return False
    return True


async def _redirect(shell: Shell, one: Redirect) -> str:
    fds = shell.fds
    operator = one.operator
    default = 0 if operator.startswith("<") else 1
    number = one.descriptor if one.descriptor >= 0 else default
    if number > 255 or len(fds) > 64:
        return f"{number}: Bad file descriptor"
    if operator == "<<":
        fds[number] = TextStream(encode(await shell.text(one.target)))
        return ""
    if operator == "<<<":
        fds[number] = TextStream(encode(await shell.text(one.target) + "\n"))
        return ""
    names = await shell.fields([one.target])
    if len(names) != 1:
        return f"{one.target.source}: ambiguous redirect"
    name = names[0]
    if operator in (">&", "<&"):
        if name == "-":
            fds[number] = ClosedStream()
            return ""
        if name.rstrip("-").isdigit():
            source = fds.get(int(name.rstrip("-")[:4]))
            if source is None or isinstance(source, ClosedStream):
                return f"{name}: Bad file descriptor"
            fds[number] = source
            return ""
        if operator == "<&" or one.descriptor >= 0:
            return f"{name}: ambiguous redirect"
        operator = "&>"
    if name.startswith(("/dev/tcp/", "/dev/udp/")) and shell.dialect == "bash":
        return f"{name}: not simulated in this lab's pods"
    flags = {"<": "r", ">>": "a", "&>>": "a", "<>": "r+"}.get(operator, "w")
    if flags == "w" and "noclobber" in shell.options and operator != ">|":
        found = shell.system.fs.find(name, shell.cwd).node
        if isinstance(found, File):
            return f"{name}: cannot overwrite existing file"
    stream = open_path(shell.system, name, shell.cwd, flags, fds)
    fds[number] = stream
    if operator in ("&>", "&>>"):
        fds[2] = stream
    return ""
