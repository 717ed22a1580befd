"""Programs that change the tree: ``mkdir rm cp mv ln touch chmod`` and their like."""

from __future__ import annotations

import re
from collections.abc import Iterator

from labkit.apiserver.node.filesystem import Directory, File, FileError, Found, Link, Node
from labkit.apiserver.node.shell.commands.common import is_busybox, size
from labkit.apiserver.node.shell.files import open_path
from labkit.apiserver.node.shell.options import BadOption, complain, read_options
from labkit.apiserver.node.shell.process import Process, program


async def _missing(process: Process, what: str = "missing operand") -> int:
    await process.err(f"{process.name}: {what}\nTry '{process.name} --help' for more information.\n")
    return 1


@program("mkdir")
async def mkdir(process: Process) -> int:
    """Make directories."""
    try:
        options = read_options(process.args, "pv", "m", {"parents": "p", "verbose": "v", "mode=": "m"})
    except BadOption as error:
        return await complain(process, error)
    if not options.args:
        return await _missing(process)
    status = 0
    mode = options.value("m") or "755"
    bits = int(mode, 8) if re.fullmatch(r"[0-7]{1,4}", mode) else 0o755
    for name in options.args:
        await process.kernel.tick()
        try:
            process.fs.mkdir(name, process.cwd, parents=options.has("p"), mode=bits)
            if options.has("v"):
                await process.out(f"mkdir: created directory '{name}'\n")
        except FileError as error:
            if is_busybox(process):
                status = await process.fail(f"can't create directory '{name}': {error.reason}")
            else:
                status = await process.fail(f"cannot create directory '{name}': {error.reason}")
    return status


@program("rmdir")
async def rmdir(process: Process) -> int:
    """Remove empty directories."""
    status = 0
    names = [name for name in process.args if not name.startswith("-")]
    if not names:
        return await _missing(process)
    for name in names:
        try:
            found = process.fs.find(name, process.cwd, follow=False)
            if found.node is None:
                raise FileError("No such file or directory")
            if not isinstance(found.node, Directory):
                raise FileError("Not a directory")
            if found.node.look():
                raise FileError("Directory not empty")
            process.fs.remove(found)
        except FileError as error:
            status = await process.fail(f"failed to remove '{name}': {error.reason}")
    return status


@program("rm", "unlink")
async def rm(process: Process) -> int:
    """Remove files."""
    try:
        options = read_options(
            process.args,
            "rRfivdI",
            long={
                "recursive": "r",
                "force": "f",
                "verbose": "v",
                "interactive": "i",
                "no-preserve-root": "no",
                "preserve-root": "yes",
                "dir": "d",
            },
        )
    except BadOption as error:
        return await complain(process, error)
    force, recursive = options.has("f"), options.has("r", "R")
    if not options.args and not force:
        return await _missing(process)
    status = 0
    for name in options.args:
        await process.kernel.tick()
        if name.rstrip("/") == "" and name and recursive and not options.has("no"):
            await process.err(
                "rm: it is dangerous to operate recursively on '/'\n"
                "rm: use --no-preserve-root to override this failsafe\n"
            )
            status = 1
            continue
        if name.rstrip("/").rpartition("/")[2] in (".", ".."):
            status = await process.fail(f"refusing to remove '.' or '..' directory: skipping '{name}'")
            continue
        try:
            found = process.fs.find(name, process.cwd, follow=False)
            if found.node is None:
                raise FileError("No such file or directory")
            if isinstance(found.node, Directory) and not recursive and not (options.has("d") and not found.node.look()):
                raise FileError("Is a directory")
            if isinstance(found.node, Directory):
                status = max(status, await _remove_tree(process, found, name))
            else:
                process.fs.remove(found)
            if options.has("v"):
                await process.out(f"removed '{name}'\n")
        except FileError as error:
            if force and error.reason in ("No such file or directory", "Not a directory"):
                continue
            if is_busybox(process):
                lead = "" if error.reason == "Is a directory" else "can't remove "
                shown = f"'{name}' is a directory" if not lead else f"{lead}'{name}': {error.reason}"
                status = await process.fail(shown)
            else:
                status = await process.fail(f"cannot remove '{name}': {error.reason}")
    return status


async def _remove_tree(process: Process, found: Found, name: str) -> int:
    """Remove a directory; what is a mount stays, and so does what holds one."""
    node = found.node
    fs = process.fs
    if not isinstance(node, Directory):
        return 0
    if not any(isinstance(below, Directory) and below.mount for _, below, _ in fs.walk(node, "")):
        fs.remove(found)
        return 0
    status = 0
    if node.mount:
        return await process.fail(f"cannot remove '{name}': Device or resource busy")
    for child in list(node.look()):
        below = Found(node, child, node.entries[child])
        try:
            if isinstance(below.node, Directory):
                status = max(status, await _remove_tree(process, below, f"{name}/{child}"))
            else:
                fs.remove(below)
        except FileError as error:
            status = await process.fail(f"cannot remove '{name}/{child}': {error.reason}")
    return status


def _into(process: Process, target: str, source: str) -> str:
    """Where a source goes: into the target if that is a directory."""
    if process.is_directory(target):
        return target.rstrip("/") + "/" + source.rstrip("/").rpartition("/")[2]
    return target


@program("cp")
async def cp(process: Process) -> int:
    """Copy files."""
    try:
        options = read_options(
            process.args,
            "rRafpvLPdinTHu",
            "t",
            {"recursive": "r", "archive": "a", "force": "f", "verbose": "v", "preserve": "p", "no-clobber": "n"},
        )
    except BadOption as error:
        return await complain(process, error)
    if len(options.args) < 2:
        if not options.args:
            return await _missing(process, "missing file operand")
        return await _missing(process, f"missing destination file operand after '{options.args[0]}'")
    *sources, target = options.args
    recursive = options.has("r", "R", "a")
    if len(sources) > 1 and not process.is_directory(target):
        reason = "No such file or directory" if not process.fs.exists(target, process.cwd) else "Not a directory"
        return await process.fail(f"target '{target}': {reason}")
    status = 0
    for source in sources:
        await process.kernel.tick()
        try:
            node = process.node(source, follow=not options.has("P", "d", "a"))
        except FileError as error:
            if is_busybox(process):
                status = await process.fail(f"can't stat '{source}': {error.reason}")
            else:
                status = await process.fail(f"cannot stat '{source}': {error.reason}")
            continue
        if isinstance(node, Directory) and not recursive:
            status = await process.fail(
                f"-r not specified; omitting directory '{source}'"
                if not is_busybox(process)
                else f"omitting directory '{source}'"
            )
            continue
        try:
            await _copy(process, node, source, _into(process, target, source), set())
            if options.has("v"):
                await process.out(f"'{source}' -> '{_into(process, target, source)}'\n")
        except FileError as error:
            kind = "directory" if isinstance(node, Directory) else "regular file"
            status = await process.fail(f"cannot create {kind} '{_into(process, target, source)}': {error.reason}")
    return status


async def _copy(process: Process, node: Node, source: str, target: str, seen: set[int]) -> None:
    await process.kernel.tick()
    fs = process.fs
    if isinstance(node, Directory):
        if id(node) in seen or len(seen) > 100:
            raise FileError("cannot copy a directory into itself")
        if not fs.exists(target, process.cwd):
            fs.mkdir(target, process.cwd, mode=node.mode & 0o777)
        seen = {*seen, id(node), id(fs.directory(target, process.cwd))}
        for name in list(node.look()):
            await _copy(process, node.entries[name], f"{source}/{name}", f"{target}/{name}", seen)
    elif isinstance(node, Link):
        found = fs.find(target, process.cwd, follow=False)
        fs.add(found, Link(mode=0o777, target=node.target))
    elif isinstance(node, File):
        if fs.exists(target, process.cwd) and fs.get(target, process.cwd) is node:
            raise FileError(f"'{source}' and '{target}' are the same file")
        made = fs.write(target, node.content(), process.cwd, mode=node.mode & 0o777)
        made.program = node.program
    else:
        stream = open_path(process.system, source, process.cwd, "r", dict(process.fds))
        total = b""
        while True:
            data = await stream.read()
            if not data:
                break
            await process.kernel.tick()
            total += data
            fs.write(target, total, process.cwd)
        fs.write(target, total, process.cwd)


@program("mv")
async def mv(process: Process) -> int:
    """Move or rename files."""
    try:
        options = read_options(process.args, "fivnTu", long={"force": "f", "verbose": "v", "no-clobber": "n"})
    except BadOption as error:
        return await complain(process, error)
    if len(options.args) < 2:
        if not options.args:
            return await _missing(process, "missing file operand")
        return await _missing(process, f"missing destination file operand after '{options.args[0]}'")
    *sources, target = options.args
    if len(sources) > 1 and not process.is_directory(target):
        return await process.fail(f"target '{target}': Not a directory")
    status = 0
    fs = process.fs
    for source in sources:
        goal = _into(process, target, source)
        try:
            found = fs.find(source, process.cwd, follow=False)
            if found.node is None:
                raise FileError("No such file or directory")
            await _move(process, found, goal)
        except FileError as error:
            if error.reason == "No such file or directory":
                lead = "can't rename" if is_busybox(process) else "cannot stat"
                status = await process.fail(f"{lead} '{source}': {error.reason}")
            else:
                status = await process.fail(f"cannot move '{source}' to '{goal}': {error.reason}")
    return status


async def _move(process: Process, found: Found, goal: str) -> None:
    fs = process.fs
    node = found.node
    if node is None:
        return
    place = fs.find(goal, process.cwd, follow=False)
    if place.node is node:
        raise FileError("are the same file")
    if isinstance(node, Directory):
        above: Directory | None = place.parent
        while above is not None and above is not fs.root:
            if above is node:
                raise FileError("Invalid argument")
            above = above.parent
    if fs.is_read_only(found.parent) or fs.is_read_only(place.parent):
        raise FileError("Read-only file system")
    if isinstance(node, Directory) and node.mount:
        raise FileError("Device or resource busy")
    if place.node is not None:
        if isinstance(place.node, Directory) and not isinstance(node, Directory):
            raise FileError("Is a directory")
        fs.remove(place)
    depth, here = 0, place.parent
    while here is not fs.root and here.parent is not None:
        depth, here = depth + 1, here.parent
    deepest = max((level for _, below, level in fs.walk(node, "") if isinstance(below, Directory)), default=0)
    if depth + deepest > 100:
        raise FileError("File name too long")
    found.parent.entries.pop(found.name, None)
    place.parent.entries[place.name] = node
    if isinstance(node, Directory):
        node.parent = place.parent


@program("ln", "link")
async def ln(process: Process) -> int:
    """Make links."""
    try:
        options = read_options(process.args, "sfnvrT", long={"symbolic": "s", "force": "f", "no-dereference": "n"})
    except BadOption as error:
        return await complain(process, error)
    if not options.args:
        return await _missing(process, "missing file operand")
    source = options.args[0]
    target = options.args[1] if len(options.args) > 1 else "."
    goal = target if options.has("n", "T") else _into(process, target, source)
    fs = process.fs
    kind = "symbolic " if options.has("s") else "hard "
    try:
        found = fs.find(goal, process.cwd, follow=False)
        if found.node is not None and options.has("f") and not isinstance(found.node, Directory):
            fs.remove(found)
            found = fs.find(goal, process.cwd, follow=False)
        if options.has("s"):
            if len(source) > 1000:
                raise FileError("File name too long")
            fs.add(found, Link(mode=0o777, target=source))
            return 0
        node = process.node(source)
        if isinstance(node, Directory):
            return await process.fail(f"{source}: hard link not allowed for directory")
        if found.node is not None:
            raise FileError("File exists")
        if fs.is_read_only(found.parent):
            raise FileError("Read-only file system")
        found.parent.entries[found.name] = node
    except FileError as error:
        return await process.fail(f"failed to create {kind}link '{goal}': {error.reason}")
    return 0


@program("touch")
async def touch(process: Process) -> int:
    """Make files, or renew their times."""
    try:
        options = read_options(process.args, "acmfh", "drt", {"no-create": "c", "date=": "d"})
    except BadOption as error:
        return await complain(process, error)
    if not options.args:
        return await _missing(process, "missing file operand")
    status = 0
    fs = process.fs
    for name in options.args:
        await process.kernel.tick()
        try:
            found = fs.find(name, process.cwd)
            if found.node is None:
                if not options.has("c"):
                    fs.add(found, File())
            else:
                fs.own(found).mtime = fs.now()
        except FileError as error:
            status = await process.fail(f"cannot touch '{name}': {error.reason}")
    return status


@program("truncate")
async def truncate(process: Process) -> int:
    """Set a file's size."""
    try:
        options = read_options(process.args, "c", "s", {"size=": "s"})
    except BadOption as error:
        return await complain(process, error)
    length = size((options.value("s") or "").lstrip("+"))
    if length is None:
        return await process.fail(f"Invalid number: '{options.value('s') or ''}'")
    for name in options.args:
        try:
            file = process.fs.open(name, process.cwd)
            if length > 64 << 20:
                raise FileError("File too large")
            process.fs.set_data(file, bytes(file.data[:length]) + bytes(max(0, length - len(file.data))))
        except FileError as error:
            return await process.fail(f"cannot open '{name}' for writing: {error.reason}")
    return 0


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
        return await _missing(process)
    if len(args) == 1:
        return await _missing(process, f"missing operand after '{args[0]}'")
    status = 0
    for name in args[1:]:
        try:
            for _, found in _targets(process, name, recursive=recursive):
                await process.kernel.tick()
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


@program("chown", "chgrp")
async def chown(process: Process) -> int:
    """Change owners."""
    recursive = "-R" in process.args
    args = [word for word in process.args if not word.startswith("-")]
    if len(args) < 2:
        return await _missing(process)
    user, _, group = args[0].partition(":") if process.name == "chown" else ("", "", args[0])
    numbers: list[int | None] = []
    for text in (user, group):
        account = next((one for one in process.system.image.users if one.name == text), None)
        if not text:
            numbers.append(None)
        elif text.isdigit() and len(text) < 9:
            numbers.append(int(text))
        elif account is not None:
            numbers.append(account.uid)
        else:
            return await process.fail(f"invalid {'user' if text == user else 'group'}: '{args[0]}'")
    status = 0
    for name in args[1:]:
        try:
            for _, found in _targets(process, name, recursive=recursive):
                await process.kernel.tick()
                if process.fs.uid != 0:
                    raise FileError("Operation not permitted")
                node = process.fs.own(found)
                node.uid = numbers[0] if numbers[0] is not None else node.uid
                node.gid = numbers[1] if numbers[1] is not None else node.gid
        except FileError as error:
            verb = "cannot access" if error.reason.startswith("No such") else "changing ownership of"
            status = await process.fail(f"{verb} '{name}': {error.reason}")
    return status


@program("mktemp")
async def mktemp(process: Process) -> int:
    """Make a file or directory with a new name."""
    try:
        options = read_options(process.args, "dqtu", "p", {"directory": "d", "tmpdir=": "p"})
    except BadOption as error:
        return await complain(process, error)
    template = options.args[0] if options.args else "tmp.XXXXXXXXXX"
    marks = re.search(r"X{3,}$", template)
    if marks is None:
        return await process.fail(f"too few X's in template '{template}'")
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    name = template[: marks.start()] + "".join(letters[byte % 62] for byte in process.system.random(len(marks[0])))
    if not options.args or options.has("p", "t"):
        name = f"{options.value('p') or process.env.get('TMPDIR') or '/tmp'}/{name}"
    try:
        if options.has("d"):
            process.fs.mkdir(name, process.cwd, mode=0o700)
        else:
            process.fs.write(name, b"", process.cwd, mode=0o600)
    except FileError as error:
        kind = "directory" if options.has("d") else "file"
        return await process.fail(f"failed to create {kind} via template '{name}': {error.reason}")
    await process.out(name + "\n")
    return 0


@program("readlink", "realpath")
async def readlink(process: Process) -> int:
    """Print where a link leads, or a path without links."""
    try:
        options = read_options(process.args, "femnqsz", long={"canonicalize": "f", "no-newline": "n"})
    except BadOption as error:
        return await complain(process, error)
    if not options.args:
        return await _missing(process)
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
        return await _missing(process)
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


@program("dd")
async def dd(process: Process) -> int:
    """Copy blocks."""
    given = dict(word.partition("=")[::2] for word in process.args)
    for key in given:
        if key not in ("if", "of", "bs", "count", "ibs", "obs", "skip", "seek", "conv", "status", "iflag", "oflag"):
            await process.err(f"dd: unrecognized operand '{key}'\nTry 'dd --help' for more information.\n")
            return 1
    block = size(given.get("bs", "512"))
    count = size(given.get("count", "1000000000"))
    if not block or count is None:
        return await process.fail(f"invalid number: '{given.get('bs') or given.get('count')}'")
    block = min(block, 1 << 20)
    try:
        source = (
            open_path(process.system, given["if"], process.cwd, "r", dict(process.fds))
            if "if" in given
            else process.stdin
        )
        target = (
            open_path(process.system, given["of"], process.cwd, "w", dict(process.fds))
            if "of" in given
            else process.stdout
        )
    except FileError as error:
        return await process.fail(f"failed to open '{given.get('if') or given.get('of')}': {error.reason}")
    total = full = part = 0
    while full + part < count:
        await process.kernel.tick()
        data = b""
        while len(data) < block:
            piece = await source.read(block - len(data))
            if not piece:
                break
            data += piece
        if not data:
            break
        await target.write(data)
        total += len(data)
        full, part = (full + 1, part) if len(data) == block else (full, part + 1)
    if given.get("status") != "none":
        await process.err(f"{full}+{part} records in\n{full}+{part} records out\n{total} bytes copied, 0.001 s\n")
    return 0


@program("sync")
async def sync(process: Process) -> int:
    """Nothing to write back."""
    return 0
