"""Redirections of a command's descriptors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labkit.embedded.container.files.inodes import File, FileError
from labkit.embedded.container.shell.files import open_path
from labkit.embedded.container.shell.streams import ClosedStream, TextStream, encode
from labkit.embedded.container.shell.syntax import Redirect

if TYPE_CHECKING:
    from labkit.embedded.container.shell.interpreter import Shell


async def redirect(shell: Shell, redirects: Sequence[Redirect]) -> bool:
    """Apply redirections to the shell's own descriptors.

    Returns:
        False if one failed; that was said already.
    """
    for one in redirects:
        try:
            problem = await _redirect(shell, one)
        except FileError as error:
            target = await shell.expander.text(one.target)
            problem = f"{target}: {error.reason}"
            if shell.dialect != "bash":
                reason = "nonexistent directory" if error.reason.startswith("No such") else error.reason
                if one.operator == "<":
                    problem = (
                        f"cannot open {target}: {error.reason.replace('No such file or directory', 'No such file')}"
                    )
                else:
                    reason = reason.replace("nonexistent directory", "Directory nonexistent")
                    problem = f"cannot create {target}: {reason}"
                if shell.dialect == "ash":
                    verb = "open" if one.operator == "<" else "create"
                    text = "no such file" if one.operator == "<" else "nonexistent directory"
                    problem = f"can't {verb} {target}: {text if error.reason.startswith('No such') else error.reason}"
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
        fds[number] = TextStream(encode(await shell.expander.text(one.target)))
        return ""
    if operator == "<<<":
        fds[number] = TextStream(encode(await shell.expander.text(one.target) + "\n"))
        return ""
    names = await shell.expander.fields([one.target])
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
    if name.startswith(("/dev/tcp/", "/dev/udp/")):
        host, _, port = name[9:].partition("/")
        return await _dev_tcp(shell, host, port, number, name)
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


async def _dev_tcp(shell: Shell, host: str, port: str, number: int, name: str) -> str:
    """``/dev/tcp``: says whether something listens; what it would answer is not kept."""
    problem = shell.system.network.probe(host, int(port) if port.isdigit() and len(port) < 6 else 0)
    if problem is None:
        shell.fds[number] = TextStream(b"")
        return ""
    if problem == "unknown":
        await shell.complain(f"{host}: Name or service not known")
        return f"{name}: Invalid argument"
    await shell.complain("connect: Connection refused")
    return f"{name}: Connection refused"
