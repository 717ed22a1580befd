"""``apt-get`` and ``apk``: they make the programs of a package appear, if the image's list has it."""

from __future__ import annotations

from labkit.embedded.container.files.inodes import File
from labkit.embedded.container.programs import MODULE_OF
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
"""Packages and the programs in them that the lab's shell has."""

VERSIONS = {("debian", "curl"): "8.14.1-2+deb13u2", ("ubuntu", "curl"): "8.5.0-2ubuntu10.6"}
"""Of packages that people install again and again."""

UPDATED = "/var/lib/apt/lists/labkit_lists"
INSTALLED = "/var/lib/dpkg/info"


def _install(process: Process, name: str) -> None:
    base = "/usr/bin" if process.system.image.distribution in ("debian", "ubuntu") else "/bin"
    for one in PACKAGES.get(name, ()):
        if one in MODULE_OF:
            path = f"{base}/{one}"
            if not process.fs.exists(path):
                found = process.fs.find(path)
                process.fs.add(found, File(mode=0o755, program=one))
    process.fs.mkdir(INSTALLED, parents=True)
    process.fs.write(f"{INSTALLED}/{name}.list", b"")


def _installed(process: Process, name: str) -> bool:
    """Whether a package was installed here, or came with the image."""
    if process.fs.exists(f"{INSTALLED}/{name}.list"):
        return True
    programs = PACKAGES.get(name, ())
    return bool(programs) and all(process.fs.exists(f"/usr/bin/{one}") for one in programs if one in MODULE_OF)


@program("apt-get", "apt")
async def apt_get(process: Process) -> int:
    """Update, install, remove."""
    words = [word for word in process.args if not word.startswith("-")]
    yes = any(word in ("-y", "--yes", "-qy", "-yq", "-qqy", "-yqq", "--assume-yes") for word in process.args)
    quiet = any(word.startswith("-q") or word == "-yqq" for word in process.args)
    if not words:
        await process.out(
            "apt 3.0.3 (amd64)\nUsage: apt-get [options] command\n"
            "\nMost used commands:\n  update - Retrieve new lists of packages\n"
            "  install - Install new packages\n  remove - Remove packages\n"
        )
        return 0 if process.args else 1
    if process.fs.uid != 0 and words[0] in ("update", "install", "remove", "purge"):
        await process.err(
            "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission "
            "denied)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), "
            "are you root?\n"
        )
        return 100
    match words[0]:
        case "update":
            return await _update(process, quiet=quiet)
        case "install" | "reinstall":
            return await _install_all(process, words[1:], yes=yes, quiet=quiet)
        case "remove" | "purge" | "autoremove":
            return await _remove(process, words[1:])
        case "clean" | "autoclean":
            return 0
        case "upgrade" | "dist-upgrade" | "full-upgrade":
            await process.out(
                "Reading package lists... Done\nBuilding dependency tree... Done\n"
                "Reading state information... Done\n"
                "Calculating upgrade... Done\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n"
            )
            return 0
        case "list" | "search" | "show":
            for name in sorted(process.system.image.packages):
                if words[0] == "list" or any(word in name for word in words[1:]):
                    await process.out(name + "\n")
            return 0
    await process.err(f"E: Invalid operation {words[0]}\n")
    return 100


async def _update(process: Process, *, quiet: bool) -> int:
    image = process.system.image
    process.fs.mkdir(UPDATED.rpartition("/")[0], parents=True)
    process.fs.write(UPDATED, b"")
    # No real mirror is named: nothing is fetched.
    suite, host = (
        ("noble", "http://mirror.example/ubuntu")
        if image.distribution == "ubuntu"
        else ("trixie", "http://mirror.example/debian")
    )
    if not quiet:
        await process.out(
            f"Get:1 {host} {suite} InRelease [256 kB]\nGet:2 {host} {suite}-updates InRelease [126 kB]\n"
            f"Get:3 {host} {suite}/main amd64 Packages [1808 kB]\nFetched 2190 kB in 1s (2100 kB/s)\n"
            "Reading package lists... Done\n"
        )
    return 0


async def _install_all(process: Process, names: list[str], *, yes: bool, quiet: bool) -> int:
    say = process.out if not quiet else _nothing
    await say("Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n")
    updated = process.fs.exists(UPDATED)
    wanted: list[str] = []
    problems = ""
    for name in names:
        bare = name.partition("=")[0].partition("/")[0]
        if _installed(process, bare):
            version = VERSIONS.get((process.system.image.distribution, bare))
            await say(f"{bare} is already the newest version{f' ({version})' if version else ''}.\n")
        elif not updated or bare not in process.system.image.packages:
            problems += f"E: Unable to locate package {bare}\n"
        else:
            wanted.append(bare)
    if problems:
        await process.err(problems)
        return 100
    missing = [name for name in wanted if name in process.system.image.packages and name not in PACKAGES]
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
    if missing:
        await process.err("W: the lab has no program for: " + " ".join(missing) + "\n")
    return 0


async def _nothing(text: str) -> None:
    return None


async def _remove(process: Process, names: list[str]) -> int:
    for name in names:
        if not _installed(process, name):
            await process.out(f"Package '{name}' is not installed, so not removed\n")
            continue
        process.fs.remove(process.fs.find(f"{INSTALLED}/{name}.list"))
        for one in PACKAGES.get(name, ()):
            for base in ("/usr/bin", "/bin"):
                if process.fs.exists(f"{base}/{one}"):
                    process.fs.remove(process.fs.find(f"{base}/{one}"))
                    break
        await process.out(f"Removing {name} ...\n")
    return 0


@program("apk")
async def apk(process: Process) -> int:
    """Alpine's packages."""
    words = [word for word in process.args if not word.startswith("-")]
    fresh = "--no-cache" in process.args or "-U" in process.args or "--update" in process.args
    if not words:
        await process.out(
            "apk-tools 2.14.9, compiled for x86_64.\n\nusage: apk [<OPTIONS>...] COMMAND [<ARGUMENTS>...]\n"
        )
        return 1
    if words[0] == "update":
        process.fs.mkdir(UPDATED.rpartition("/")[0], parents=True)
        process.fs.write(UPDATED, b"")
        await process.out(
            "fetch https://dl-cdn.alpinelinux.org/alpine/v3.22/main/x86_64/APKINDEX.tar.gz\n"
            "OK: 25995 distinct packages available\n"
        )
        return 0
    if words[0] == "add":
        if not (fresh or process.fs.exists(UPDATED)):
            await process.err(
                "".join(
                    f"ERROR: unable to select packages:\n  {name} (no such package):\n    required by: world[{name}]\n"
                    for name in words[1:2]
                )
            )
            return 1
        for name in words[1:]:
            if name not in process.system.image.packages:
                await process.err(
                    f"ERROR: unable to select packages:\n  {name} (no such package):\n    required by: world[{name}]\n"
                )
                return 1
        for number, name in enumerate(words[1:], 1):
            if not _installed(process, name):
                await process.out(f"({number}/{len(words) - 1}) Installing {name}\n")
                _install(process, name)
        await process.out("OK: 12 MiB in 20 packages\n")
        return 0
    if words[0] == "del":
        return await _remove(process, words[1:])
    if words[0] == "info":
        if process.fs.exists(INSTALLED):
            for name in process.fs.names(process.fs.directory(INSTALLED)):
                await process.out(name.removesuffix(".list") + "\n")
        return 0
    await process.err(f"ERROR: '{words[0]}' is not an apk command. See 'apk --help'.\n")
    return 1
