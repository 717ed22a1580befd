"""Programs about the container and its terminal: ``hostname uname which tty`` and their like."""

from __future__ import annotations

from labkit.embedded.container.files.inodes import Directory, File
from labkit.embedded.container.programs.common import is_busybox
from labkit.embedded.container.programs.hosts import hosts_line
from labkit.embedded.container.programs.options import read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import StreamError, encode

KERNEL = "6.12.41+deb13-amd64"

BUILD = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.41-1 (2025-08-12)"


@program("printenv")
async def printenv(process: Process) -> int:
    """Print environment variables."""
    if not process.args:
        for name, value in process.env.items():
            await process.out(f"{name}={value}\n")
        return 0
    status = 0
    for name in process.args:
        if name in process.env:
            await process.out(process.env[name] + "\n")
        else:
            status = 1
    return status


@program("hostname")
async def hostname(process: Process) -> int:
    """Print the pod's host name."""
    options = [word for word in process.args if word.startswith("-")]
    if any(word in ("-i", "-I", "--ip-address", "--all-ip-addresses") for word in options):
        tail = " " if any(word in ("-I", "--all-ip-addresses") for word in options) else ""
        await process.out(f"{process.system.network.address}{tail}\n")
        return 0
    if process.args and not options:
        return await process.fail(
            "you must be root to change the host name" if process.fs.uid else "sethostname: Operation not permitted"
        )
    own = _own_name(process)
    if any(word in ("-d", "--domain") for word in options):
        domain = own.partition(".")[2]
        await process.out(domain + "\n" if domain else "")
    else:
        full = any(word in ("-f", "--fqdn", "--long", "-A", "--all-fqdns") for word in options)
        await process.out((own if full else process.system.hostname) + "\n")
    return 0


def _own_name(process: Process) -> str:
    """The host name in full, as ``/etc/hosts`` has it."""
    name = process.system.hostname
    return next(iter(hosts_line(process, name)), name)


@program("uname")
async def uname(process: Process) -> int:
    """Print the system's name."""
    if process.name == "arch":
        await process.out("x86_64\n")
        return 0
    options = read_options(
        process.args,
        "a,all s,kernel-name n,nodename r,kernel-release v,kernel-version m,machine p i o,operating-system",
    )
    facts = {
        "s": "Linux", "n": process.system.hostname, "r": KERNEL, "v": BUILD, "m": "x86_64", "p": "unknown",
        "i": "unknown", "o": "Linux" if is_busybox(process) else "GNU/Linux",
    }  # fmt: skip
    wanted = "snrvmo" if options.has("a") else "".join(letter for letter in "snrvmpio" if options.has(letter)) or "s"
    await process.out(" ".join(facts[letter] for letter in wanted) + "\n")
    return 0


@program("which")
async def which(process: Process) -> int:
    """Print where programs are."""
    status = 0
    for word in process.args:
        if word == "-a":
            continue
        directories = [""] if "/" in word else [one + "/" for one in process.env.get("PATH", "").split(":")]
        paths = [base + word for base in directories if process.fs.exists(base + word, process.cwd)]
        found = [path for path in paths if isinstance(process.node(path), File) and process.node(path).mode & 0o111]
        for path in found if "-a" in process.args else found[:1]:
            await process.out(path + "\n")
        status = status if found else 1
    return status


@program("tty")
async def tty(process: Process) -> int:
    """Print the terminal's name."""
    if process.stdin.terminal:
        await process.out(process.system.terminal_name + "\n")
        return 0
    await process.out("not a tty\n")
    return 1


@program("stty")
async def stty(process: Process) -> int:
    """Leave the terminal as it is."""
    if not process.stdin.terminal:
        return await process.fail("'standard input': Inappropriate ioctl for device")
    if process.args == ["size"]:
        rows, columns = process.scheduler.io.window
        await process.out(f"{rows} {columns}\n")
    return 0


@program("yes")
async def yes(process: Process) -> int:
    """Say it again and again."""
    line = encode((" ".join(process.args) or "y") + "\n")
    block = line * max(1, 4096 // len(line))
    while True:
        await process.scheduler.tick()
        try:
            await process.stdout.write(block)
        except StreamError:
            return 1


@program("mount")
async def mount(process: Process) -> int:
    """List mounts."""
    await process.out(
        "overlay on / type overlay (rw,relatime)\nproc on /proc type proc (rw,nosuid,nodev,noexec,relatime)\n"
    )
    for path, node, _ in process.fs.walk(process.fs.root, "/"):
        if isinstance(node, Directory) and node.mount:
            await process.out(f"tmpfs on {path} type tmpfs ({'ro' if node.read_only else 'rw'},relatime)\n")
    return 0
