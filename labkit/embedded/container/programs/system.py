"""Programs about the container and its users: ``hostname uname which id`` and their like."""

from __future__ import annotations

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.programs.listing import group_name, user_name
from labkit.embedded.container.programs.options import NOT_SIMULATED, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import decode, encode

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
    options = read_options(
        process.args, "i,ip-address I,all-ip-addresses f,fqdn,long s,short d! A! y! b! F!"
    )
    if options.args:
        return await process.fail("sethostname: Operation not permitted")
    name = process.system.hostname
    if options.has("i", "I"):
        name = process.system.network.address + " " * options.has("I")
    elif options.has("f"):
        name = next(iter(hosts_line(process, name)), name)
    return await process.out(name + "\n")


@program("uname")
async def uname(process: Process) -> int:
    """Print the system's name."""
    options = read_options(
        process.args,
        "a,all s,kernel-name n,nodename r,kernel-release v,kernel-version m,machine p i o,operating-system",
    )
    facts = {
        "s": "Linux", "n": process.system.hostname, "r": KERNEL, "v": BUILD, "m": "x86_64", "p": "unknown",
        "i": "unknown", "o": "GNU/Linux",
    }  # fmt: skip
    wanted = (
        "snrvmo"
        if options.has("a")
        else "".join(letter for letter in "snrvmpio" if options.has(letter)) or "s"
    )
    return await process.out(" ".join(facts[letter] for letter in wanted) + "\n")


@program("which")
async def which(process: Process) -> int:
    """Print where programs are."""
    paths = [
        process.fs.program(word, process.env.get("PATH", ""), process.cwd) for word in process.args
    ]
    await process.out("".join(path + "\n" for path in paths if path))
    return int(None in paths)


@program("tty")
async def tty(process: Process) -> int:
    """Print the terminal's name."""
    await process.out("/dev/pts/0\n" if process.stdin.terminal else "not a tty\n")
    return int(not process.stdin.terminal)


@program("stty")
async def stty(process: Process) -> int:
    """Print the terminal's size, and leave its settings as they are."""
    if not process.stdin.terminal:
        return await process.fail("'standard input': Inappropriate ioctl for device")
    if process.args == ["size"]:
        rows, columns = process.task_loop.io.window
        await process.out(f"{rows} {columns}\n")
    return 0


@program("yes")
async def yes(process: Process) -> int:
    """Print a line again and again."""
    line = encode((" ".join(process.args) or "y") + "\n")
    block = line * max(1, 4096 // len(line))
    while True:
        await process.task_loop.tick()
        await process.stdout.write(block)


@program("id")
async def identity(process: Process) -> int:
    """Print user and groups."""
    options = read_options(process.args, "u,user g,group G,groups n,name r z")
    uid, gid = process.fs.uid, process.fs.gid
    numbers = [gid, *sorted(process.fs.groups - {gid})]
    if options.args:
        account = next(
            (one for one in process.system.image.users if one.name == options.args[0]), None
        )
        if account is None:
            return await process.fail(f"'{options.args[0]}': no such user")
        uid, gid = account.uid, account.gid
        numbers = [gid]
    user, group = user_name(process, uid), group_name(process, gid)
    if options.has("u"):
        await process.out(f"{(user or uid) if options.has('n') else uid}\n")
    elif options.has("G"):
        names = [
            (group_name(process, one) or str(one)) if options.has("n") else str(one)
            for one in numbers
        ]
        await process.out(" ".join(names) + "\n")
    elif options.has("g"):
        await process.out(f"{(group or gid) if options.has('n') else gid}\n")
    else:
        shown = [
            f"{one}({name})" if (name := group_name(process, one)) else str(one) for one in numbers
        ]
        await process.out(
            f"uid={uid}{f'({user})' if user else ''} gid={shown[0]} groups={','.join(shown)}\n"
        )
    return 0


@program("whoami")
async def whoami(process: Process) -> int:
    """Print the user's name."""
    user = user_name(process, process.fs.uid)
    if user is None:
        return await process.fail(f"cannot find name for user ID {process.fs.uid}")
    return await process.out(user + "\n")


@program("getent")
async def getent(process: Process) -> int:
    """Look up names."""
    if not process.args:
        return await process.err("Usage: getent [OPTION...] database [key ...]\n")
    database, *keys = process.args
    if database == "hosts":
        return await _hosts(process, keys)
    return await process.fail(f"{database}{NOT_SIMULATED}")


async def _hosts(process: Process, keys: list[str]) -> int:
    network = process.system.network
    for key in keys:
        address = network.resolve(key)
        if address is None:
            return 2
        if key == "localhost":
            await process.out(f"{'::1':<15} localhost ip6-localhost ip6-loopback\n")
        else:
            await process.out(
                f"{address:<15} {' '.join(hosts_line(process, key)) or network.canonical(key)}\n"
            )
    return 0 if keys else 2


def hosts_line(process: Process, name: str) -> list[str]:
    """The names that share a line of ``/etc/hosts`` with one, itself among them; nothing if it is not there."""
    try:
        text = decode(process.fs.read("/etc/hosts"))
    except FileError:
        return []
    rows = (line.partition("#")[0].split()[1:] for line in text.splitlines())
    return next((row for row in rows if name in row), [])
