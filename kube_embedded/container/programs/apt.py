"""``apt-get`` and ``apk``: they add the programs of packages in the image's list."""

from ..files.images import CONTENTS
from ..files.inodes import File
from ..shell.process import Process
from .registry import NOT_SIMULATED, Failure, program

VERSIONS = {("debian", "curl"): "8.14.1-2+deb13u2", ("ubuntu", "curl"): "8.5.0-2ubuntu10.6"}
"""Versions of packages that are often installed twice, for ``already the newest version``."""

UPDATED = "/var/lib/apt/lists/deb.debian.org_lists"
"""Exists once the package lists are fetched; images come without lists, so nothing can be installed before."""

INSTALLED = "/var/lib/dpkg/info"

_NOT_ROOT = """\
E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)
E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?
"""
_UPDATE = """\
Get:1 http://mirror.example/{0} {1} InRelease [256 kB]
Get:2 http://mirror.example/{0} {1}/main amd64 Packages [1808 kB]
Fetched 2064 kB in 1s (2100 kB/s)
Reading package lists... Done
"""
_READING = """\
Reading package lists... Done
Building dependency tree... Done
Reading state information... Done
"""
_UNPACKING = """\
Selecting previously unselected package {0}.
Unpacking {0} ...
Setting up {0} ...
"""
_NO_SUCH_PACKAGE = """\
ERROR: unable to select packages:
  {0} (no such package):
    required by: world[{0}]
"""


def _program_paths(process: Process, package: str) -> list[str]:
    debian = process.system.image.distribution in ("debian", "ubuntu")
    directory = "/usr/bin" if debian else "/bin"
    return [f"{directory}/{name}" for name in CONTENTS.get(package, ())]


def _install(process: Process, package: str) -> None:
    for path in _program_paths(process, package):
        location = process.fs.find(path)
        if location.node is None:
            process.fs.add(location, File(mode=0o755, program=location.name))
    process.fs.mkdir(INSTALLED, parents=True)
    process.fs.write(f"{INSTALLED}/{package}.list", b"")


def _installed(process: Process, package: str) -> bool:
    """Return whether a package was installed here, or came with the image."""
    if process.fs.exists(f"{INSTALLED}/{package}.list"):
        return True
    paths = _program_paths(process, package)
    return bool(paths) and all(map(process.fs.exists, paths))


def _available(process: Process, package: str) -> bool:
    return package in process.system.image.packages and process.fs.exists(UPDATED)


def _update(process: Process) -> None:
    process.fs.mkdir(UPDATED.rpartition("/")[0], parents=True)
    process.fs.write(UPDATED, b"")


@program("apt-get", "apt", options="y,yes,assume-yes q,quiet no-install-recommends o! t! s! d! f!")
async def apt_get(process: Process) -> int:
    """Update the lists, install packages."""
    verb, *names = process.operands or ["--help"]
    if verb in ("clean", "autoclean"):
        return 0
    if verb not in ("update", "install"):
        raise Failure(f"{verb}{NOT_SIMULATED}", 100)
    # Pods run as root unless their image or a security context names another user.
    if process.fs.uid != 0:
        return await process.err(_NOT_ROOT, 100)
    image = process.system.image
    missing: list[str] = []
    if verb == "update":
        _update(process)
        # The mirror is fictitious, and no file is fetched.
        suite = "noble" if image.distribution == "ubuntu" else "trixie"
        text = _UPDATE.format(image.distribution, suite)
    else:
        text = _READING
        new = [name for name in names if not _installed(process, name)]
        missing = [name for name in new if not _available(process, name)]
        for name in names:
            if name not in new:
                version = VERSIONS.get((image.distribution, name))
                suffix = f" ({version})" if version else ""
                text += f"{name} is already the newest version{suffix}.\n"
        if not missing:
            text += _install_all(process, new)
    if not process.has("q"):
        await process.out(text)
    await process.err("".join(f"E: Unable to locate package {name}\n" for name in missing))
    return 100 if missing else 0


def _install_all(process: Process, packages: list[str]) -> str:
    """Install packages as with ``-y``, and return the text for stdout."""
    text = ""
    if packages:
        text += f"The following NEW packages will be installed:\n  {' '.join(sorted(packages))}\n"
    text += f"0 upgraded, {len(packages)} newly installed, 0 to remove and 0 not upgraded.\n"
    for name in packages:
        text += _UNPACKING.format(name)
        if name not in CONTENTS:
            text += f"Programs of {name}{NOT_SIMULATED}\n"
        _install(process, name)
    return text


@program("apk")
async def apk(process: Process) -> int:
    """Alpine's packages."""
    words = [word for word in process.args if not word.startswith("-")]
    verb, *names = words or ["--help"]
    if {"--no-cache", "-U", "--update"} & set(process.args) or verb == "update":
        _update(process)
    if verb == "update":
        return await process.out("OK: 25995 distinct packages available\n")
    if verb != "add":
        raise Failure(f"{verb}{NOT_SIMULATED}")
    for name in names:
        if not _available(process, name):
            return await process.err(_NO_SUCH_PACKAGE.format(name))
    for number, name in enumerate(names, 1):
        if not _installed(process, name):
            await process.out(f"({number}/{len(names)}) Installing {name}\n")
            _install(process, name)
    return await process.out("OK: 12 MiB in 20 packages\n")
