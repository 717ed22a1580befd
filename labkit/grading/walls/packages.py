"""The installed packages that a learner's process sees: those that labkit needs, and those for figures and tables.

A teacher's environment can have others, with solutions or secrets in them.
"""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from labkit.core.version import CORE, DISTRIBUTION

VISIBLE = (f"{CORE}[grade]", DISTRIBUTION, "numpy", "pandas", "matplotlib")
"""Distributions that are visible where they are installed, with all that they require."""

NOT_INSTALLED = ("__pycache__", "_virtualenv.py", "_virtualenv.pth")
"""Entries of a directory of packages that no distribution lists, and an environment needs."""

PATTERNS = ("lib/python*/site-packages", "lib64/python*/site-packages", "lib/python*/dist-packages")


@dataclass(frozen=True, slots=True)
class PackageDirectory:
    """A directory of packages.

    Args:
        directory: Its path.
        needed: The names of its entries that are visible.
        whiteouts: A directory that hides the others in an overlay; empty if there is none.
    """

    directory: str
    needed: tuple[str, ...]
    whiteouts: str = ""


def package_directories(scratch: Path) -> list[PackageDirectory]:
    """Find the directories of packages that a learner's process would see whole.

    Args:
        scratch: An existing directory, for the whiteouts.

    Returns:
        The directories of which a part is to be hidden; none if labkit is not installed as a distribution.
    """
    visible = _visible_entries()
    if not visible:
        return []
    found: list[PackageDirectory] = []
    for directory in _directories():
        present = set(os.listdir(directory))
        stay: set[str] = set()
        whiteouts = ""
        if directory in visible:
            stay = present & (visible[directory] | set(NOT_INSTALLED))
        if stay == present:
            continue
        if stay:
            whiteouts = _whiteouts(scratch / f"packages-{len(found)}", present - stay)
        found.append(PackageDirectory(str(directory), tuple(sorted(stay)), whiteouts))
    return found


def _visible_entries() -> dict[Path, set[str]]:
    """List the entries of the distributions that are visible, by their directory."""
    # Imported only when a grader starts, at the same time as its fork server imports more.
    from labkit.backends.bundle import installed_versions

    names = set().union(*map(installed_versions, VISIBLE))
    if CORE not in names:
        return {}
    entries: dict[Path, set[str]] = {}
    for name in names:
        distribution = metadata.distribution(name)
        directory = Path(str(distribution.locate_file(""))).resolve()
        entries.setdefault(directory, set()).update(_entries(distribution))
    return entries


def _entries(distribution: metadata.Distribution) -> Iterator[str]:
    """List the names that a distribution has in its directory of packages."""
    record = distribution.read_text("RECORD")
    # An egg, or a package that an operating system installed.
    if record is None:
        for file in distribution.files or ():
            yield file.parts[0]
        yield from (distribution.read_text("top_level.txt") or "").split()
        with suppress(AttributeError):
            yield distribution._path.name  # type: ignore[attr-defined]  # the only way to its own directory
        return
    for line in record.splitlines():
        # A name with a comma is quoted; none of a package's own directory has one.
        yield line.partition(",")[0].partition("/")[0]


def _directories() -> list[Path]:
    """List the directories of packages below those that are visible."""
    prefixes = {Path(sys.prefix), Path(sys.base_prefix), Path("/usr"), Path("/usr/local")}
    found = {
        path.resolve()
        for prefix in prefixes
        for pattern in PATTERNS
        for path in prefix.glob(pattern)
    }
    return sorted(path for path in found if path.is_dir())


def _whiteouts(directory: Path, names: set[str]) -> str:
    """Make a directory that hides names in an overlay; return its path, empty where the system does not let us."""
    directory.mkdir()
    # The mode of a merged directory in an overlay comes from its topmost layer.
    directory.chmod(0o755)
    try:
        for name in names:
            # A character device 0:0 is a whiteout: https://docs.kernel.org/filesystems/overlayfs.html
            os.mknod(directory / name, stat.S_IFCHR, 0)
    except OSError:
        return ""
    return str(directory)
