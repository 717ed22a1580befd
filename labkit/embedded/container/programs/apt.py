"""``apt-get`` and ``apk``: they make the programs of a package appear, if the image's list has it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from labkit.embedded.container.files.inodes import File
from labkit.embedded.container.programs.options import NOT_SIMULATED
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process

PACKAGES: dict[str, tuple[str, ...]] = {
    "curl": ("curl",),
    "wget": ("wget",),
    "iputils-ping": ("ping",),
    "dnsutils": ("nslookup",),
    "bind-tools": ("nslookup",),
    "procps": ("ps", "free", "uptime", "top", "watch", "kill", "pidof", "pgrep", "w"),
    "less": ("less",),
    "ca-certificates": (),
    "netcat-openbsd": ("nc",),
    "net-tools": ("netstat", "ifconfig"),
    "iproute2": ("ip",),
    "bash": ("bash",),
    "kubectl": ("kubectl",),
}
"""Packages and the programs in them."""

VERSIONS = {("debian", "curl"): "8.14.1-2+deb13u2", ("ubuntu", "curl"): "8.5.0-2ubuntu10.6"}
"""Of packages that people install again and again."""

UPDATED = "/var/lib/apt/lists/labkit_lists"
INSTALLED = "/var/lib/dpkg/info"


_NOT_ROOT = """\
E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)
E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?
"""
_READING = "Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n"
_HELP = """\
apt 3.0.3 (amd64)
Usage: apt-get [options] command

Most used commands:
  update - Retrieve new lists of packages
  install - Install new packages
  remove - Remove packages
"""


def _binaries(process: Process) -> str:
    """The directory of the image's programs."""
    return "/usr/bin" if process.system.image.distribution in ("debian", "ubuntu") else "/bin"


def _install(process: Process, name: str) -> None:
    for one in PACKAGES.get(name, ()):
        found = process.fs.find(f"{_binaries(process)}/{one}")
        if found.node is None:
            process.fs.add(found, File(mode=0o755, program=one))
    process.fs.mkdir(INSTALLED, parents=True)
    process.fs.write(f"{INSTALLED}/{name}.list", b"")


def _installed(process: Process, name: str) -> bool:
    """Whether a package was installed here, or came with the image."""
    if process.fs.exists(f"{INSTALLED}/{name}.list"):
        return True
    programs = PACKAGES.get(name, ())
    return bool(programs) and all(process.fs.exists(f"{_binaries(process)}/{one}") for one in programs)


def _update(process: Process) -> None:
    """Mark the package lists as fetched, without which nothing can be installed."""
    process.fs.mkdir(UPDATED.rpartition("/")[0], parents=True)
    process.fs.write(UPDATED, b"")


@program("apt-get", "apt")
async def apt_get(process: Process) -> int:
    """Update, install, remove."""
    words = [word for word in process.args if not word.startswith("-")]
    letters = "".join(word[1:] for word in process.args if re.fullmatch(r"-[a-z]+", word))
    say = process.out if "q" not in letters and "--quiet" not in process.args else _nothing
    if not words:
        await process.out(_HELP)
        return 0 if process.args else 1
    if process.fs.uid != 0 and words[0] in ("update", "install", "remove", "purge"):
        await process.err(_NOT_ROOT)
        return 100
    match words[0]:
        case "update":
            _update(process)
            ubuntu = process.system.image.distribution == "ubuntu"
            # No real mirror is named: nothing is fetched.
            host, suite = (
                ("http://mirror.example/ubuntu", "noble") if ubuntu else ("http://mirror.example/debian", "trixie")
            )
            await say(
                f"Get:1 {host} {suite} InRelease [256 kB]\nGet:2 {host} {suite}-updates InRelease [126 kB]\n"
                f"Get:3 {host} {suite}/main amd64 Packages [1808 kB]\nFetched 2190 kB in 1s (2100 kB/s)\n"
                "Reading package lists... Done\n"
            )
            return 0
        case "install" | "reinstall":
            yes = "y" in letters or {"--yes", "--assume-yes"} & set(process.args)
            return await _install_all(process, words[1:], say, yes=bool(yes))
        case "remove" | "purge" | "autoremove":
            return await _remove(process, words[1:])
        case "clean" | "autoclean":
            return 0
    if words[0] in (
        "upgrade",
        "dist-upgrade",
        "full-upgrade",
        "list",
        "search",
        "show",
        "download",
        "source",
        "policy",
    ):
        return await process.fail(f"{words[0]}{NOT_SIMULATED}", 100)
    await process.err(f"E: Invalid operation {words[0]}\n")
    return 100


async def _nothing(text: str) -> None:
    return None


async def _install_all(process: Process, names: list[str], say: Callable[[str], Awaitable[None]], *, yes: bool) -> int:
    await say(_READING)
    image = process.system.image
    wanted: list[str] = []
    problems = ""
    for name in names:
        bare = name.partition("=")[0].partition("/")[0]
        if _installed(process, bare):
            version = VERSIONS.get((image.distribution, bare))
            await say(f"{bare} is already the newest version{f' ({version})' if version else ''}.\n")
        elif bare in image.packages and process.fs.exists(UPDATED):
            wanted.append(bare)
        else:
            problems += f"E: Unable to locate package {bare}\n"
    if problems:
        await process.err(problems)
        return 100
    if wanted:
        await say("The following NEW packages will be installed:\n  " + " ".join(sorted(wanted)) + "\n")
    await say(f"0 upgraded, {len(wanted)} newly installed, 0 to remove and 0 not upgraded.\n")
    if wanted and not yes:
        await process.out("Do you want to continue? [Y/n] ")
        answer = (await process.stdin.read_line()).strip().lower()
        if answer not in (b"", b"y", b"yes") or (not answer and not process.stdin.terminal):
            await process.out("Abort.\n")
            return 1
    for name in wanted:
        await say(f"Selecting previously unselected package {name}.\nUnpacking {name} ...\nSetting up {name} ...\n")
        _install(process, name)
    lacking = [name for name in wanted if name not in PACKAGES]
    if lacking:
        await process.err(f"W: programs of {' '.join(lacking)}{NOT_SIMULATED}\n")
    return 0


async def _remove(process: Process, names: list[str]) -> int:
    for name in names:
        if not _installed(process, name):
            await process.out(f"Package '{name}' is not installed, so not removed\n")
            continue
        paths = [f"{INSTALLED}/{name}.list", *(f"{_binaries(process)}/{one}" for one in PACKAGES.get(name, ()))]
        for path in paths:
            if process.fs.exists(path):
                process.fs.remove(process.fs.find(path))
        await process.out(f"Removing {name} ...\n")
    return 0


_NO_SUCH_PACKAGE = "ERROR: unable to select packages:\n  {0} (no such package):\n    required by: world[{0}]\n"


@program("apk")
async def apk(process: Process) -> int:
    """Alpine's packages."""
    words = [word for word in process.args if not word.startswith("-")]
    fresh = bool({"--no-cache", "-U", "--update"} & set(process.args))
    match words[:1]:
        case []:
            await process.out(
                "apk-tools 2.14.9, compiled for x86_64.\n\nusage: apk [<OPTIONS>...] COMMAND [<ARGUMENTS>...]\n"
            )
            return 1
        case ["update"]:
            _update(process)
            await process.out("OK: 25995 distinct packages available\n")
            return 0
        case ["add"]:
            for name in words[1:]:
                if not (fresh or process.fs.exists(UPDATED)) or name not in process.system.image.packages:
                    await process.err(_NO_SUCH_PACKAGE.format(name))
                    return 1
            for number, name in enumerate(words[1:], 1):
                if not _installed(process, name):
                    await process.out(f"({number}/{len(words) - 1}) Installing {name}\n")
                    _install(process, name)
            await process.out("OK: 12 MiB in 20 packages\n")
            return 0
        case ["del"]:
            return await _remove(process, words[1:])
        case ["info" | "list" | "search" | "upgrade" | "fix" | "version" | "policy"]:
            return await process.fail(f"{words[0]}{NOT_SIMULATED}")
    await process.err(f"ERROR: '{words[0]}' is not an apk command. See 'apk --help'.\n")
    return 1
