"""Small programs about time, the container and its users."""

import re
import time
from collections.abc import Mapping

from ..files.inodes import FileError
from ..shell.process import Process
from ..shell.streams import decode, encode
from ..shell.task_loop import Sleep
from .common import seconds_of
from .registry import NOT_SIMULATED, BadOption, Failure, program

KERNEL = "6.12.41+deb13-amd64"
BUILD = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.41-1 (2025-08-12)"


@program(
    "date", options="u,utc,universal d! date! R! rfc-email! I! iso-8601! s! set! r! f! rfc-3339!"
)
async def date(process: Process) -> int:
    """Print the time, in UTC, the time zone of containers."""
    now = process.system.now()
    layout = "+%a %b %e %H:%M:%S UTC %Y"
    for layout in process.operands:
        if not layout.startswith("+"):
            raise Failure(f"invalid date '{layout}'")
    # C's `strftime` would take these from the zone of the machine.
    own = {"%s": str(int(now)), "%N": f"{int(now % 1 * 1e9):09}", "%Z": "UTC", "%z": "+0000"}

    def filled(match: re.Match[str]) -> str:
        return own.get(match[0]) or time.strftime(match[0], time.gmtime(now))

    return await process.out(re.sub(r"%[A-Za-z%]", filled, layout[1:2000]) + "\n")


@program("sleep", missing="missing operand")
async def sleep(process: Process) -> int:
    """Wait for the sum of the intervals."""
    total = 0.0
    for word in process.args:
        seconds = seconds_of(word)
        if seconds is None:
            raise BadOption(f"invalid time interval '{word}'")
        total += seconds
    await Sleep(total)
    return 0


@program("printenv")
async def printenv(process: Process) -> int:
    """Print environment variables."""
    if not process.args:
        return await process.out(environment_text(process.env))
    values = [process.env.get(name) for name in process.args]
    await process.out("".join(f"{value}\n" for value in values if value is not None))
    return int(None in values)


def environment_text(environment: Mapping[str, str]) -> str:
    """Return an environment as ``env`` prints it."""
    return "".join(f"{name}={value}\n" for name, value in environment.items())


@program("hostname", options="i,ip-address I,all-ip-addresses f,fqdn,long s,short d! A! y! b! F!")
async def hostname(process: Process) -> int:
    """Print the pod's host name."""
    if process.operands:
        raise Failure("sethostname: Operation not permitted")
    name = process.system.hostname
    if process.has("i", "I"):
        name = process.system.network.address + " " * process.has("I")
    elif process.has("f"):
        # The kubelet writes the full name first, for a pod with a subdomain.
        name = next(iter(hosts_line(process, name)), name)
    return await process.out(name + "\n")


@program("uname", options="a,all s,kernel-name n,nodename r,kernel-release v,kernel-version m,machine "
    "o,operating-system p! i!")  # fmt: skip
async def uname(process: Process) -> int:
    """Print the system's name."""
    facts = {
        "s": "Linux", "n": process.system.hostname, "r": KERNEL, "v": BUILD, "m": "x86_64", "o": "GNU/Linux",
    }  # fmt: skip
    chosen = [text for letter, text in facts.items() if process.has("a", letter)]
    return await process.out(" ".join(chosen or ["Linux"]) + "\n")


@program("which")
async def which(process: Process) -> int:
    """Print where programs are."""
    search = process.env.get("PATH", "")
    paths = [process.fs.program(word, search, process.cwd) for word in process.args]
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
        raise Failure("'standard input': Inappropriate ioctl for device")
    if process.args == ["size"]:
        rows, columns = process.task_loop.io.window
        await process.out(f"{rows} {columns}\n")
    return 0


@program("yes")
async def yes(process: Process) -> int:
    """Print a line again and again."""
    # Written by the page, as GNU's `yes` does, since each write is a system call.
    line = encode((" ".join(process.args) or "y") + "\n")
    block = line * max(1, 4096 // len(line))
    while True:
        await process.task_loop.tick()
        await process.stdout.write(block)


@program("id", options="u,user g,group G,groups n,name r! z!")
async def identity(process: Process) -> int:
    """Print user and groups."""
    fs = process.fs
    image = process.system.image
    uid = fs.uid
    gid = fs.gid
    groups = fs.groups
    if process.operands:
        name = process.operands[0]
        account = next((account for account in image.users if account.name == name), None)
        if account is None:
            raise Failure(f"'{name}': no such user")
        uid = account.uid
        gid = account.gid
        groups = frozenset()
    numbers = [gid, *sorted(groups - {gid})]
    # Numbers without an account have no name: runAsUser can be any.
    names = [
        (str(uid), image.user_name(uid)),
        *((str(number), image.group_name(number)) for number in numbers),
    ]
    for letter, part in (("u", names[:1]), ("g", names[1:2]), ("G", names[1:])):
        if process.has(letter):
            named = process.has("n")
            texts = [(named and name) or number for number, name in part]
            return await process.out(" ".join(texts) + "\n")
    user, *labels = [f"{number}({name})" if name else number for number, name in names]
    return await process.out(f"uid={user} gid={labels[0]} groups={','.join(labels)}\n")


@program("whoami")
async def whoami(process: Process) -> int:
    """Print the user's name."""
    user = process.system.image.user_name(process.fs.uid)
    if not user:
        raise Failure(f"cannot find name for user ID {process.fs.uid}")
    return await process.out(user + "\n")


@program("getent")
async def getent(process: Process) -> int:
    """Look up names of hosts."""
    database, *names = process.args or [""]
    if database != "hosts":
        raise Failure(f"{database}{NOT_SIMULATED}")
    network = process.system.network
    for name in names:
        address = network.resolve(name)
        if address is None:
            return 2
        known = " ".join(hosts_line(process, name)) or network.canonical(name)
        if name == "localhost":
            address, known = "::1", "localhost ip6-localhost ip6-loopback"
        await process.out(f"{address:<15} {known}\n")
    return 0 if names else 2


def hosts_line(process: Process, name: str) -> list[str]:
    """Return the names that share a line of ``/etc/hosts`` with one, itself among them; none if it is not there."""
    try:
        text = decode(process.fs.read("/etc/hosts"))
    except FileError:
        return []
    rows = (line.partition("#")[0].split()[1:] for line in text.splitlines())
    return next((row for row in rows if name in row), [])
