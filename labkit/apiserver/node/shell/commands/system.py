"""Programs about the container and its user: ``env id hostname uname date ps`` and their like."""

from __future__ import annotations

import re
import time

from labkit.apiserver.node.filesystem import File
from labkit.apiserver.node.shell.commands.common import is_busybox
from labkit.apiserver.node.shell.commands.listing import human
from labkit.apiserver.node.shell.conditions import Questions, TestError, integer
from labkit.apiserver.node.shell.kernel import Sleep
from labkit.apiserver.node.shell.options import BadOption, complain, read_options
from labkit.apiserver.node.shell.printf import echo_text, format_printf
from labkit.apiserver.node.shell.process import Process, program
from labkit.apiserver.node.shell.streams import StreamError, encode

KERNEL = "6.12.41+deb13-amd64"
BUILD = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.41-1 (2025-08-12)"


@program("true")
async def true(process: Process) -> int:
    """Succeed."""
    return 0


@program("false")
async def false(process: Process) -> int:
    """Fail."""
    return 1


@program("echo")
async def echo(process: Process) -> int:
    """Print the arguments."""
    await process.out(echo_text(process.args))
    return 0


@program("printf")
async def printf(process: Process) -> int:
    """Print by a format."""
    if not process.args:
        await process.err("printf: missing operand\nTry 'printf --help' for more information.\n")
        return 1
    text, problems = format_printf(process.args[0], process.args[1:], process.system.now())
    await process.out(text)
    for problem in problems:
        await process.fail(problem)
    return int(bool(problems))


@program("test", "[")
async def test(process: Process) -> int:
    """Answer a question."""
    args = process.args
    if process.name == "[":
        if not args or args[-1] != "]":
            return await process.fail("missing ']'", 2)
        args = args[:-1]
    questions = Questions(process.fs, process.cwd, integer, lambda _: False, lambda _: False)
    try:
        return int(not questions.single(args))
    except TestError as error:
        return await process.fail(error.message, 2)


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


def _user(process: Process, uid: int) -> str | None:
    return next((one.name for one in process.system.image.users if one.uid == uid), None)


def _group(process: Process, gid: int) -> str | None:
    return next((one.name for one in process.system.image.users if one.gid == gid), None)


@program("id")
async def identity(process: Process) -> int:
    """Print user and groups."""
    try:
        options = read_options(process.args, "ugGnrz", long={"user": "u", "group": "g", "groups": "G", "name": "n"})
    except BadOption as error:
        return await complain(process, error)
    uid, gid = process.fs.uid, process.fs.gid
    if options.args:
        account = next((one for one in process.system.image.users if one.name == options.args[0]), None)
        if account is None:
            return await process.fail(f"'{options.args[0]}': no such user")
        uid, gid = account.uid, account.gid
    user, group = _user(process, uid), _group(process, gid)
    if options.has("u"):
        await process.out(f"{(user or uid) if options.has('n') else uid}\n")
    elif options.has("g", "G"):
        await process.out(f"{(group or gid) if options.has('n') else gid}\n")
    else:
        shown = f"{gid}({group})" if group else str(gid)
        await process.out(f"uid={uid}{f'({user})' if user else ''} gid={shown} groups={shown}\n")
    return 0


@program("whoami", "logname")
async def whoami(process: Process) -> int:
    """Print the user's name."""
    user = _user(process, process.fs.uid)
    if user is None:
        return await process.fail(f"cannot find name for user ID {process.fs.uid}: No such file or directory")
    await process.out(user + "\n")
    return 0


@program("groups")
async def groups(process: Process) -> int:
    """Print the user's groups."""
    await process.out((_group(process, process.fs.gid) or str(process.fs.gid)) + "\n")
    return 0


@program("who", "users", "w")
async def who(process: Process) -> int:
    """Nobody has logged in."""
    return 0


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
    await process.out(process.system.hostname + "\n")
    return 0


@program("hostid")
async def hostid(process: Process) -> int:
    """Print a number."""
    await process.out("007f0101\n")
    return 0


@program("uname", "arch")
async def uname(process: Process) -> int:
    """Print the system's name."""
    if process.name == "arch":
        await process.out("x86_64\n")
        return 0
    try:
        options = read_options(
            process.args,
            "asnrvmpio",
            long={
                "all": "a",
                "kernel-name": "s",
                "nodename": "n",
                "kernel-release": "r",
                "kernel-version": "v",
                "machine": "m",
                "operating-system": "o",
            },
        )
    except BadOption as error:
        return await complain(process, error)
    facts = {
        "s": "Linux", "n": process.system.hostname, "r": KERNEL, "v": BUILD, "m": "x86_64", "p": "unknown",
        "i": "unknown", "o": "Linux" if is_busybox(process) else "GNU/Linux",
    }  # fmt: skip
    wanted = "snrvmo" if options.has("a") else "".join(letter for letter in "snrvmpio" if options.has(letter)) or "s"
    await process.out(" ".join(facts[letter] for letter in wanted) + "\n")
    return 0


@program("date")
async def date(process: Process) -> int:
    """Print the time."""
    try:
        options = read_options(
            process.args, "uRI", "dsr", {"utc": "u", "date=": "d", "iso-8601": "I", "rfc-email": "R", "universal": "u"}
        )
    except BadOption as error:
        return await complain(process, error)
    moment = process.system.now()
    given = options.value("d")
    if given is not None:
        found = _moment(given, moment)
        if found is None:
            return await process.fail(f"invalid date '{given}'")
        moment = found
    layout = "%a %b %e %H:%M:%S UTC %Y"
    if options.has("R"):
        layout = "%a, %d %b %Y %H:%M:%S +0000"
    if options.has("I"):
        layout = "%Y-%m-%d"
    for word in options.args:
        if not word.startswith("+"):
            return await process.fail(f"invalid date '{word}'")
        layout = word[1:]
    await process.out(_strftime(layout, moment) + "\n")
    return 0


def _moment(text: str, now: float) -> float | None:
    if re.fullmatch(r"@\d{1,11}(\.\d+)?", text):
        return float(text[1:])
    if text in ("now", "today", ""):
        return now
    match = re.fullmatch(r"([+-]?)\s*(\d{1,6})\s*(second|sec|minute|min|hour|day|week)s?(\s+ago)?", text)
    if match is not None:
        unit = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86400, "week": 604800}[match[3]]
        sign = -1 if (match[1] == "-") != bool(match[4]) else 1
        return now + sign * int(match[2]) * unit
    if text in ("yesterday", "tomorrow"):
        return now + (86400 if text == "tomorrow" else -86400)
    from datetime import UTC, datetime

    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def _strftime(layout: str, moment: float) -> str:
    try:
        stamp = time.gmtime(moment)
    except (ValueError, OverflowError, OSError):
        return "?"
    own = {"s": str(int(moment)), "N": f"{int(moment % 1 * 1e9):09}", "Z": "UTC", "z": "+0000",
           "3N": f"{int(moment % 1 * 1000):03}",
           "F": time.strftime("%Y-%m-%d", stamp), "T": time.strftime("%H:%M:%S", stamp), "n": "\n", "t": "\t",
           "e": f"{stamp.tm_mday:2}", "k": f"{stamp.tm_hour:2}", "%": "%", "R": time.strftime("%H:%M", stamp),
           "D": time.strftime("%m/%d/%y", stamp)}  # fmt: skip

    def one(match: re.Match[str]) -> str:
        key = match[1]
        if key in own:
            return own[key]
        if key in "aAbBcdHIjmMpSuUVwWxXyYhCGgP":
            return time.strftime("%" + key, stamp)
        return match[0]

    return re.sub(r"%(3N|.)", one, layout[:2000], flags=re.DOTALL)


@program("sleep")
async def sleep(process: Process) -> int:
    """Wait."""
    if not process.args:
        await process.err("sleep: missing operand\nTry 'sleep --help' for more information.\n")
        return 1
    total = 0.0
    for word in process.args:
        match = re.fullmatch(r"(\d{0,15}(?:\.\d{0,15})?)([smhd]?)", word)
        if word in ("infinity", "inf"):
            total = 1e15
        elif match is None or match[1] in ("", "."):
            if is_busybox(process):
                return await process.fail(f"invalid number '{word}'")
            await process.err(f"sleep: invalid time interval '{word}'\nTry 'sleep --help' for more information.\n")
            return 1
        else:
            total += float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]
    await Sleep(total)
    return 0


@program("which")
async def which(process: Process) -> int:
    """Print where programs are."""
    status = 0
    every = False
    for word in process.args:
        if word.startswith("-"):
            every = "a" in word
            continue
        found = False
        directories = [""] if "/" in word else process.env.get("PATH", "").split(":")
        for directory in directories:
            path = f"{directory}/{word}" if directory else word
            if process.fs.exists(path, process.cwd):
                node = process.node(path)
                if isinstance(node, File) and node.mode & 0o111:
                    found = True
                    await process.out(path + "\n")
                    if not every:
                        break
        status = max(status, int(not found))
    return status


@program("getent")
async def getent(process: Process) -> int:
    """Look up names."""
    if not process.args:
        await process.err("Usage: getent [OPTION...] database [key ...]\n")
        return 1
    database, keys = process.args[0], process.args[1:]
    if database in ("hosts", "ahosts", "ahostsv4"):
        for key in keys:
            address = process.system.network.resolve(key)
            if address is None:
                return 2
            if database == "hosts":
                canonical = process.system.network.canonical(key)
                local = key == "localhost"
                names = f"{canonical} ip6-localhost ip6-loopback" if local else canonical
                await process.out(f"{'::1' if local else address:<15} {names}\n")
            else:
                for index, kind in enumerate(("STREAM", "DGRAM", "RAW")):
                    shown = process.system.network.canonical(key) if not index else ""
                    await process.out(f"{address:<15} {kind:<6} {shown}\n")
        return 0 if keys else 2
    if database in ("passwd", "group"):
        for account in process.system.image.users:
            if not keys or account.name in keys or str(account.uid) in keys:
                line = (
                    f"{account.name}:x:{account.uid}:{account.gid}:{account.full_name}:{account.home}:{account.shell}"
                )
                await process.out((line if database == "passwd" else f"{account.name}:x:{account.gid}:") + "\n")
        return 0
    if database in ("services", "protocols", "networks", "shadow"):
        return 2
    await process.err(f"Unknown database: {database}\nTry `getent --help' or `getent --usage' for more information.\n")
    return 1


@program("ps")
async def ps(process: Process) -> int:
    """List the container's processes."""
    rows = [*process.system.processes(), (7, " ".join(process.argv))]
    flat = "".join(word.lstrip("-") for word in process.args)
    user = _user(process, process.fs.uid) or str(process.fs.uid)
    start = time.strftime("%H:%M", time.gmtime(process.system.started_at()))
    if is_busybox(process):
        await process.out("PID   USER     TIME  COMMAND\n")
        for pid, command in rows:
            await process.out(f"{pid:5} {user:<8}  0:00 {command}\n")
    elif "u" in flat and "f" not in flat:
        await process.out("USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n")
        for pid, command in rows:
            state = "Ss" if pid == 1 else "R"
            await process.out(
                f"{user:<8} {pid:7}  0.0  0.0   2700  1500 ?        {state:<4} {start}   0:00 {command}\n"
            )
    elif "f" in flat:
        await process.out("UID          PID    PPID  C STIME TTY          TIME CMD\n")
        for pid, command in rows:
            await process.out(f"{user:<8} {pid:7} {0:7}  0 {start} ?        00:00:00 {command}\n")
    elif "e" in flat or "A" in flat or "x" in flat:
        await process.out("    PID TTY          TIME CMD\n")
        for pid, command in rows:
            await process.out(
                f"{pid:7} ?        00:00:00 {command.split()[0].rpartition('/')[2] if command.split() else ''}\n"
            )
    else:
        await process.out("    PID TTY          TIME CMD\n")
        await process.out(f"{7:7} {'pts/0' if process.stdout.terminal else '?':<8} 00:00:00 ps\n")
    return 0


@program("pidof", "pgrep")
async def pidof(process: Process) -> int:
    """Find processes by name."""
    found = [
        str(pid)
        for pid, command in process.system.processes()
        if command.split()
        and any(word in command.split()[0].rpartition("/")[2] for word in process.args if not word.startswith("-"))
    ]
    if found:
        await process.out((" " if process.name == "pidof" else "\n").join(found) + "\n")
    return int(not found)


@program("kill")
async def kill(process: Process) -> int:
    """Processes of a container are not to be killed one by one here."""
    await process.err("kill: use the shell's own kill\n")
    return 1


@program("free")
async def free(process: Process) -> int:
    """Print memory, which is simulated."""
    unit = any("h" in word for word in process.args)
    values = [2097152, 524288, 1048576, 1024, 524288, 1572864]
    cells = [human(value * 1024) + "i" for value in values] if unit else [str(value) for value in values]
    await process.out("               total        used        free      shared  buff/cache   available\n")
    await process.out("Mem:    " + "".join(cell.rjust(12) for cell in cells) + "\n")
    await process.out("Swap:   " + "".join(cell.rjust(12) for cell in ("0", "0", "0")) + "\n")
    return 0


@program("uptime")
async def uptime(process: Process) -> int:
    """Print for how long the container has run."""
    seconds = int(process.system.now() - process.system.started_at())
    clock = time.strftime("%H:%M:%S", time.gmtime(process.system.now()))
    await process.out(f" {clock} up {seconds // 60} min,  0 user,  load average: 0.00, 0.00, 0.00\n")
    return 0


@program("nproc")
async def nproc(process: Process) -> int:
    """Print the number of processors."""
    await process.out("2\n")
    return 0


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
        await process.out("24 80\n")
    return 0


@program("clear")
async def clear(process: Process) -> int:
    """Clear the screen."""
    await process.out("\x1b[H\x1b[2J\x1b[3J")
    return 0


@program("yes")
async def yes(process: Process) -> int:
    """Say it again and again."""
    line = encode((" ".join(process.args) or "y") + "\n")
    block = line * max(1, 4096 // len(line))
    while True:
        await process.kernel.tick()
        try:
            await process.stdout.write(block)
        except StreamError:
            return 1


@program("lsb_release")
async def lsb_release(process: Process) -> int:
    """Print the distribution."""
    facts = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', process.system.image.release, re.MULTILINE))
    await process.out(
        f"Distributor ID:\t{(facts.get('NAME') or 'n/a').split()[0]}\nDescription:\t{facts.get('PRETTY_NAME', '')}\n"
        f"Release:\t{facts.get('VERSION_ID', '')}\nCodename:\t{facts.get('VERSION_CODENAME', '')}\n"
    )
    return 0


@program("expr")
async def expr(process: Process) -> int:
    """Evaluate an expression of words."""
    from labkit.apiserver.node.shell.arithmetic import ArithmeticProblem, evaluate

    args = process.args
    if not args:
        await process.err("expr: missing operand\nTry 'expr --help' for more information.\n")
        return 2
    if args[0] == "length" and len(args) == 2:
        await process.out(f"{len(args[1])}\n")
        return int(not args[1])
    if args[0] == "substr" and len(args) == 4 and args[2].isdigit() and args[3].isdigit():
        start = int(args[2][:9]) - 1
        text = args[1][start : start + int(args[3][:9])] if start >= 0 else ""
        await process.out(text + "\n")
        return int(not text)
    if (
        len(args) == 3
        and args[1] in ("=", "!=", "<", ">")
        and not all(re.fullmatch(r"-?\d+", word) for word in args[::2])
    ):
        value = {"=": args[0] == args[2], "!=": args[0] != args[2], "<": args[0] < args[2], ">": args[0] > args[2]}[
            args[1]
        ]
        await process.out(f"{int(value)}\n")
        return int(not value)
    if len(args) == 3 and args[1] == ":":
        from labkit.apiserver.node.shell.regex import RegexError, compile_regex

        try:
            match = compile_regex("^" + args[2]).find(process.kernel.charge, args[0])
        except RegexError as error:
            return await process.fail(error.message, 2)
        text = (match.group(1) if match.spans[2:] else str(match.end)) if match else "0"
        await process.out(text + "\n")
        return int(text in ("", "0"))
    if len(args) == 1:
        await process.out(args[0] + "\n")
        return int(args[0] in ("", "0"))
    if not all(re.fullmatch(r"-?\d{1,18}|[-+*/%()<>=!|&]{1,2}", word) for word in args):
        return await process.fail("non-integer argument" if len(args) == 3 else "syntax error", 2)
    try:
        number = evaluate(" ".join("==" if word == "=" else word for word in args), lambda _: "", lambda *_: None)
    except ArithmeticProblem as error:
        return await process.fail("division by zero" if "division" in error.message else "syntax error", 2)
    await process.out(f"{number}\n")
    return int(number == 0)


@program("mount")
async def mount(process: Process) -> int:
    """List mounts."""
    await process.out(
        "overlay on / type overlay (rw,relatime)\nproc on /proc type proc (rw,nosuid,nodev,noexec,relatime)\n"
    )
    for path, node, _ in process.fs.walk(process.fs.root, "/"):
        from labkit.apiserver.node.filesystem import Directory

        if isinstance(node, Directory) and node.mount:
            await process.out(f"tmpfs on {path} type tmpfs ({'ro' if node.read_only else 'rw'},relatime)\n")
    return 0
