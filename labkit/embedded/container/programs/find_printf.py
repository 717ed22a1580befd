"""``find -printf``: the directives of its layout."""

from __future__ import annotations

import re

from labkit.embedded.container.files.inodes import Device, Directory, Link
from labkit.embedded.container.programs.find_tests import Here
from labkit.embedded.container.programs.listing import group, node_size, owner
from labkit.embedded.container.shell.process import Process


def directives(process: Process, here: Here, layout: str) -> str:
    """A layout filled in for one file.

    Args:
        process: The command.
        here: The file.
        layout: With its escapes done.
    """
    node, path = here.node, here.path
    parts = path.rstrip("/").split("/")
    kind = "d" if isinstance(node, Directory) else "l" if isinstance(node, Link) else "c"
    values = {
        "p": path,
        "f": parts[-1] or "/",
        "P": "/".join(parts[len(parts) - here.depth :]) if here.depth else "",
        "h": "/".join(parts[:-1]) or ("" if path.startswith("/") else "."),
        "s": str(node_size(node)),
        "m": f"{node.mode:o}",
        "d": str(here.depth),
        "y": kind if kind != "c" or isinstance(node, Device) else "f",
        "l": node.target if isinstance(node, Link) else "",
        "u": owner(process, node.uid),
        "g": group(process, node.gid),
        "U": str(node.uid),
        "G": str(node.gid),
        "%": "%",
    }
    return re.sub(r"%(-?\d*)([a-zA-Z%])", lambda match: _padded(values.get(match[2], match[0]), match[1]), layout)


def _padded(text: str, width: str) -> str:
    count = int(width.lstrip("-")[:4] or "0")
    return text.ljust(count) if width.startswith("-") else text.rjust(count)
