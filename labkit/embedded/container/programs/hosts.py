"""The names in ``/etc/hosts``, as programs find them there."""

from __future__ import annotations

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import decode


def hosts_line(process: Process, name: str) -> list[str]:
    """The names that share a line of ``/etc/hosts`` with one, itself among them; nothing if it is not there."""
    try:
        text = decode(process.fs.read("/etc/hosts"))
    except FileError:
        return []
    rows = (line.partition("#")[0].split()[1:] for line in text.splitlines())
    return next((row for row in rows if name in row), [])
