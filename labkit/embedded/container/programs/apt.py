"""``apt-get`` and ``apk``: they add the programs of packages in the image's list."""

from __future__ import annotations

from labkit.embedded.container.files.images import CONTENTS
from labkit.embedded.container.files.inodes import File
from labkit.embedded.container.programs.options import NOT_SIMULATED, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process

VERSIONS = {("debian", "curl"): "8.14.1-2+deb13u2", ("ubuntu", "curl"): "8.5.0-2ubuntu10.6"}
"""Versions of packages that are often installed twice, for ``already the newest version``."""

UPDATED = "/var/lib/apt/lists/labkit_lists"
INSTALLED = "/var/lib/dpkg/info"

_NOT_ROOT = """\
E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)
E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?
"""


def _binaries(process: Process) -> str:
    """The directory of the image's programs."""
    return "/usr/bin" if process.system.image.distribution in ("debian", "ubuntu") else "/bin"


def _install(process: Process, name: str) -> None:
    for one in CONTENTS.get(name, ()):
        location = process.fs.find(f"{_binaries(process)}/{one}")
        if location.node is None:
            process.fs.add(location, File(mode=0o755, program=one))
    process.fs.mkdir(INSTALLED, parents=True)
    process.fs.write(f"{INSTALLED}/{name}.list", b"")


def _installed(process: Process, name: str) -> bool:
    """Whether a package was installed here, or came with the image."""
    if process.fs.exists(f"{INSTALLED}/{name}.list"):
        return True
    programs = CONTENTS.get(name, ())
    return bool(programs) and all(
        process.fs.exists(f"{_binaries(process)}/{one}") for one in programs
    )


def _update(process: Process) -> tuple[str, str]:
    """Mark the package lists as fetched; nothing can be installed before. The mirror is fictitious."""
    process.fs.mkdir(UPDATED.rpartition("/")[0], parents=True)
    process.fs.write(UPDATED, b"")
    host = f"http://mirror.example/{process.system.image.distribution}"
    suite = "noble" if host.endswith("ubuntu") else "trixie"
    return (
        f"Get:1 {host} {suite} InRelease [256 kB]\nGet:2 {host} {suite}/main amd64 Packages [1808 kB]\n"
        "Fetched 2064 kB in 1s (2100 kB/s)\nReading package lists... Done\n"
    ), ""


@program("apt-get", "apt")
async def apt_get(process: Process) -> int:
    """Update the lists, install packages."""
    options = read_options(
        process.args, "y,yes,assume-yes q,quiet no-install-recommends o! t! s! d! f! "
    )
    if not options.args:
        return await process.fail(f"--help{NOT_SIMULATED}")
    verb, *names = options.args
    if verb in ("clean", "autoclean"):
        return 0
    if verb not in ("update", "install"):
        return await process.fail(f"{verb}{NOT_SIMULATED}", 100)
    if process.fs.uid != 0:
        return await process.err(_NOT_ROOT, 100)
    text, problems = _update(process) if verb == "update" else _install_all(process, names)
    if not options.has("q"):
        await process.out(text)
    await process.err(problems)
    return 100 if problems else 0


def _install_all(process: Process, names: list[str]) -> tuple[str, str]:
    """Install packages as with ``-y``, and return the text for stdout and for stderr."""
    image = process.system.image
    text = "Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n"
    wanted = [name for name in names if not _installed(process, name)]
    for name in names:
        if name not in wanted:
            version = VERSIONS.get((image.distribution, name))
            text += f"{name} is already the newest version{f' ({version})' if version else ''}.\n"
    missing = [
        name for name in wanted if name not in image.packages or not process.fs.exists(UPDATED)
    ]
    if missing:
        return text, "".join(f"E: Unable to locate package {name}\n" for name in missing)
    if wanted:
        text += (
            "The following NEW packages will be installed:\n  " + " ".join(sorted(wanted)) + "\n"
        )
    text += f"0 upgraded, {len(wanted)} newly installed, 0 to remove and 0 not upgraded.\n"
    for name in wanted:
        text += f"Selecting previously unselected package {name}.\nUnpacking {name} ...\nSetting up {name} ...\n"
        text += "" if name in CONTENTS else f"Programs of {name}{NOT_SIMULATED}\n"
        _install(process, name)
    return text, ""


_NO_SUCH_PACKAGE = (
    "ERROR: unable to select packages:\n  {0} (no such package):\n    required by: world[{0}]\n"
)


@program("apk")
async def apk(process: Process) -> int:
    """Alpine's packages."""
    words = [word for word in process.args if not word.startswith("-")]
    fresh = bool({"--no-cache", "-U", "--update"} & set(process.args))
    match words[:1]:
        case ["update"]:
            _update(process)
            return await process.out("OK: 25995 distinct packages available\n")
        case ["add"]:
            for name in words[1:]:
                if (
                    not (fresh or process.fs.exists(UPDATED))
                    or name not in process.system.image.packages
                ):
                    return await process.err(_NO_SUCH_PACKAGE.format(name))
            for number, name in enumerate(words[1:], 1):
                if not _installed(process, name):
                    await process.out(f"({number}/{len(words) - 1}) Installing {name}\n")
                    _install(process, name)
            return await process.out("OK: 12 MiB in 20 packages\n")
    return await process.fail(f"{words[0] if words else '--help'}{NOT_SIMULATED}")
