"""``df`` and ``du``."""

from __future__ import annotations

from labkit.embedded.container.files.filesystem import MAX_BYTES
from labkit.embedded.container.files.inodes import Directory
from labkit.embedded.container.programs.listing import human
from labkit.embedded.container.programs.options import read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process


@program("df")
async def df(process: Process) -> int:
    """Print how full the container's file system is."""
    options = read_options(process.args, "h T k i a P t=")
    used, total = process.fs.used_bytes // 1024, MAX_BYTES // 1024
    title = "Size  Used Avail" if options.has("h") else "1K-blocks    Used Available"
    await process.out(f"Filesystem     {title} Use% Mounted on\n")
    rows = [("overlay", "/", used, total)]
    for path, node, _ in process.fs.walk(process.fs.root, "/"):
        if isinstance(node, Directory) and node.mount and node.memory:
            rows.append(("tmpfs", path, 12, 1048576))
    for kind, path, taken, size in rows:
        percent = f"{-(-100 * taken // size)}%"
        if options.has("h"):
            cells = f"{human(size * 1024):>4}  {human(taken * 1024):>4}  {human((size - taken) * 1024):>4}"
        else:
            cells = f"{size:>9} {taken:>7} {size - taken:>9}"
        await process.out(f"{kind:<14} {cells} {percent:>4} {path}\n")
    return 0
