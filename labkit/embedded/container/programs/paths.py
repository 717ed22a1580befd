"""Programs about paths: ``readlink realpath basename dirname``."""

from __future__ import annotations

from labkit.embedded.container.files.inodes import Directory, FileError, Link
from labkit.embedded.container.programs.common import missing_operand
from labkit.embedded.container.programs.options import read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process


@program("readlink")
async def readlink(process: Process) -> int:
    """Print where a link leads, or a path without links."""
    options = read_options(process.args, "f,canonicalize e m n,no-newline q s z")
    if not options.args:
        return await missing_operand(process)
    status = 0
    fs = process.fs
    for name in options.args:
        try:
            if process.name == "readlink" and not options.has("f", "e", "m"):
                node = process.node(name, follow=False)
                if not isinstance(node, Link):
                    status = 1
                    continue
                text = node.target
            else:
                found = fs.find(name, process.cwd)
                if found.node is None and options.has("e"):
                    raise FileError("No such file or directory")
                base = fs.path_of(found.parent)
                text = (
                    fs.path_of(found.node) if isinstance(found.node, Directory) else f"{base.rstrip('/')}/{found.name}"
                )
        except FileError as error:
            status = 1
            if process.name == "realpath":
                await process.err(f"realpath: {name}: {error.reason}\n")
            continue
        await process.out(text + ("" if options.has("n") else "\n"))
    return status


@program("basename", "dirname")
async def basename(process: Process) -> int:
    """Print a part of a path."""
    args = list(process.args)
    suffix, several = "", process.name == "dirname"
    while args and args[0].startswith("-") and len(args[0]) > 1:
        option = args.pop(0)
        if option == "-s" and args:
            suffix, several = args.pop(0), True
        elif option == "-a":
            several = True
    if not args:
        return await missing_operand(process)
    if not several and len(args) > 1:
        suffix = args[1]
    for word in args if several else args[:1]:
        bare = word.rstrip("/") or ("/" if word else "")
        if process.name == "dirname":
            head = bare.rpartition("/")[0].rstrip("/")
            await process.out((head or ("/" if bare.startswith("/") else ".")) + "\n")
        else:
            name = bare.rpartition("/")[2] or bare
            await process.out((name.removesuffix(suffix) if name != suffix else name) + "\n")
    return 0
