"""``df`` and ``du``."""

from __future__ import annotations

from labkit.embedded.container.files.filesystem import MAX_BYTES
from labkit.embedded.container.files.inodes import Directory, FileError
from labkit.embedded.container.programs.listing import blocks, human
from labkit.embedded.container.shell.options import BadOption, complain, read_options
from labkit.embedded.container.shell.process import Process, program


@program("df")
async def df(process: Process) -> int:
    """Print how full the container's file system is."""
    try:
        options = read_options(process.args, "hTkiaP", "t")
    except BadOption as error:
        return await complain(process, error)
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


@program("du")
async def du(process: Process) -> int:
    """Print how much directories hold."""
    try:
        options = read_options(
            process.args, "hsakcmbx", "d", {"summarize": "s", "human-readable": "h", "max-depth=": "d", "all": "a"}
        )
    except BadOption as error:
        return await complain(process, error)
    status = 0
    text = options.value("d")
    most = 0 if options.has("s") else int(text) if text and text.isdigit() and len(text) < 5 else 1 << 30
    for name in options.args or ["."]:
        try:
            top = process.node(name, follow=False)
        except FileError as error:
            status = await process.fail(f"cannot access '{name}': {error.reason}")
            continue
        totals: dict[str, int] = {}
        rows: list[tuple[str, int, bool]] = []
        for path, node, depth in process.fs.walk(top, name):
            await process.kernel.tick(0.2)
            rows.append((path, depth, isinstance(node, Directory)))
            here = path
            for _ in range(depth + 1):
                totals[here] = totals.get(here, 0) + blocks(node)
                here = here.rpartition("/")[0] or "/"
        for path, depth, directory in reversed(rows):
            if depth <= most and (directory or options.has("a") or depth == 0):
                shown = human(totals[path] * 1024) if options.has("h") else str(totals[path])
                await process.out(f"{shown}\t{path}\n")
    return status
