"""Check who owns a directory, and who else could change its content.

The directory (the home) has keys, and a program such as labkit runs files in it as code. So before any of its files is
opened (``kube_embedded.files``), ``enter`` checks every directory on the path once: if only the user and root can replace
an entry, other users cannot do so later. The trusted users are listed in docs/limits.md.

Sources: path_resolution(7), unlink(2) and chmod(2) on the sticky bit; ``StrictModes`` of OpenSSH,
with Debian's ``user-group-modes.patch``, on groups that are one user's.
"""

import errno
import os
import shlex
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .text import listed, text


class Names(NamedTuple):
    """The names of a program and of its settings, for texts.

    Args:
        program: The program.
        home: What the user sets to another directory.
        trusted_group: The variable with the name of a group that can write to parents of the home: on a hub's volume,
            the user alone.
    """

    program: str = "kube-embedded"
    home: str = "--home"
    trusted_group: str = "KUBE_EMBEDDED_TRUSTED_GROUP"


names = Names()
"""A program that uses this module sets its own."""

STATE = frozenset(
    {
        "admin.conf",
        "audit.log",
        "backend.json",
        "course",
        "existing",
        "grading",
        "jupyter",
        "kind",
        "kube-cache",
        "lock",
        "notebooks",
        "pki",
        "progress.json",
        "server.json",
        "server.log",
        "start.lock",
        "state.db",
        "class",
    }
)
"""The entries of a home: they distinguish it from a directory with another purpose."""

UNSEARCHED = frozenset({"notebooks", "kube-cache"})
"""Entries that can be large, and of which no file is run or read."""

ALONE = sys.platform == "emscripten"
"""True in a page of a browser, which has one user and no meaningful file modes."""

MAX_LINKS = 40
"""The number of symbolic links that Linux follows in one path."""

OTHERS_WRITE, GROUP_WRITES, NOT_OWNER = 0o002, 0o020, 0o077


class Unsafe(Exception):
    """Another user can change the content of a directory, or could have changed it.

    Args:
        why: The problem, as half a sentence.
        todo: The way out, as a sentence.
    """

    def __init__(self, why: str, todo: str) -> None:
        super().__init__(f"{why}. {todo}")
        self.why = why
        self.todo = todo


def enter(path: Path, *, create: bool = False) -> str:
    """Check that only the user can change a directory, and check all its parents.

    With ``create``, missing directories are created with mode 0700.

    Returns:
        A sentence about a changed mode; empty if the mode is unchanged, or the directory does not exist.

    Raises:
        Unsafe: It belongs to another user, or another user could replace it.
        OSError: It cannot be created or read, or is not a directory.
    """
    if ALONE:
        if create:
            path.mkdir(parents=True, exist_ok=True)
        return ""
    place = follow(path, create=create)
    return _close(path, place) if place is not None else ""


def follow(path: Path, *, create: bool = False, mode: int = 0o700) -> Path | None:
    """Resolve a path as the kernel does, and check each directory and each link on the way.

    Args:
        path: The path; the directory that it names is not checked.
        create: Make missing directories, with ``mode``.
        mode: The mode of new directories.

    Returns:
        The path without links; None when it does not exist.

    Raises:
        Unsafe: Somebody else could replace a directory on the way.
        OSError: A directory cannot be made or read.
    """
    # realpath() would say where the path leads now, but not who could lead it elsewhere: so each part is looked at.
    path = path.absolute()
    at = Path(path.anchor)
    left = list(reversed(path.parts[1:]))
    links = 0
    check_parent(at)
    while left:
        name = left.pop()
        here = at.parent if name == ".." else at / name
        try:
            info = here.lstat()
        except FileNotFoundError:
            if not create:
                return None
            with suppress(
                FileExistsError
            ):  # another process can create it first; it is checked in any case
                here.mkdir(mode)
            info = here.lstat()
        if stat.S_ISLNK(info.st_mode):
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            if not is_trusted_user(info.st_uid):
                raise Unsafe(
                    text("{here} is a link of {uid}", here, owner(info.st_uid)), _elsewhere()
                )
            target = Path(here.readlink())
            at = Path(target.anchor) if target.is_absolute() else at
            left.extend(reversed(target.parts[1:] if target.is_absolute() else target.parts))
            continue
        if left:
            check_parent(here)
        at = here
    return at


def check_parent(directory: Path) -> None:
    """Check that only the user and root can replace the entries of a directory, which must not be a link.

    Raises:
        Unsafe: Another user can.
        NotADirectoryError: It is not a directory.
    """
    info = directory.stat()
    if not stat.S_ISDIR(info.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory))
    if not is_trusted_user(info.st_uid):
        raise Unsafe(
            text(
                "{directory} belongs to {uid}, who can replace what lies in it",
                directory,
                owner(info.st_uid),
            ),
            _elsewhere(),
        )
    # In a sticky directory, such as /tmp, only its owner and an entry's owner can rename or delete the entry.
    if info.st_mode & stat.S_ISVTX or not info.st_mode & (OTHERS_WRITE | GROUP_WRITES):
        return
    if info.st_mode & OTHERS_WRITE:
        raise Unsafe(
            text("every user of this machine can replace what lies in {directory}", directory),
            text(
                "Take that right away: chmod o-w {directory}. {elsewhere}",
                _quoted(directory),
                _elsewhere(otherwise=True),
            ),
        )
    if not _is_trusted_group(info.st_gid):
        group = _group_name(info.st_gid)
        raise Unsafe(
            text(
                "the members of the group {group} can replace what lies in {directory}",
                group,
                directory,
            ),
            text(
                "Take that right away: chmod g-w {directory}. Or, where nobody else is in this "
                "group or reaches this volume, say so: export {variable}={group}",
                _quoted(directory),
                names.trusted_group,
                group,
            ),
        )
    if _has_access_list(directory):
        raise Unsafe(
            text(
                "the access list of {directory} may let others replace what lies in it", directory
            ),
            text(
                "Look at it with getfacl, and take it away: setfacl -b {directory}. {elsewhere}",
                _quoted(directory),
                _elsewhere(otherwise=True),
            ),
        )


def check_content(home: Path) -> None:
    """Check that everything in a home is the user's own, or root's; a missing home is empty.

    Raises:
        Unsafe: Something in it is another user's.
        OSError: It cannot be read.
    """
    if ALONE:
        return
    mine = {0, os.geteuid()}
    waiting = [home]
    while waiting:
        directory = waiting.pop()
        try:
            entries = list(os.scandir(directory))
        except FileNotFoundError:
            continue
        for entry in entries:
            try:
                info = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if info.st_uid not in mine:
                raise Unsafe(
                    text("{path} belongs to {uid}", entry.path, owner(info.st_uid)),
                    text(
                        "If you know what it is, make it yours: sudo chown -hR {geteuid} {home}. If "
                        "not, move it away.",
                        os.geteuid(),
                        _quoted(home),
                    ),
                )
            # Links to directories are not followed: st_mode is the link's own.
            if stat.S_ISDIR(info.st_mode) and not (directory == home and entry.name in UNSEARCHED):
                waiting.append(Path(entry.path))


def is_trusted_user(user: int) -> bool:
    """Return whether a user can own the parents of a home: this user and root can.

    In a user namespace that does not map the machine's root, the kernel shows all unmapped users, root
    among them, as one number. In that case the owner of ``/`` is trusted as root.
    """
    return user in (0, os.geteuid()) or (_root_is_unmapped() and user == Path("/").stat().st_uid)


def owner(user: int) -> str:
    """Return the name of a user, for a sentence."""
    return "root" if user == 0 else text("another user (id {user})", user)


def _close(path: Path, place: Path) -> str:
    """Check the directory itself; correct its mode if no other user can have used the old one."""
    info = place.stat()
    if not stat.S_ISDIR(info.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    if info.st_uid != os.geteuid():
        below = (
            text(", such as {path}", path / names.program)
            if info.st_uid == 0 and os.access(place, os.W_OK)
            else ""
        )
        raise Unsafe(text("it belongs to {uid}", owner(info.st_uid)), _elsewhere(below=below))
    if not info.st_mode & NOT_OWNER:
        return ""
    if any(_is_home(above) for above in place.parents):
        place.chmod(0o700)  # its parent is closed, so no other user could reach it
        return ""
    content = {entry.name for entry in place.iterdir()}
    private = f"chmod 700 {_quoted(path)}"
    if info.st_mode & stat.S_ISVTX or (content and not content & STATE):
        raise Unsafe(
            text("others may enter it, and it is not {program}'s alone", names.program),
            listed(
                [
                    text(
                        "Set {setting} to a directory of its own, such as {path}.",
                        names.home,
                        path / names.program,
                    ),
                    text("Or, if it is {program}'s alone: {private}", names.program, private)
                    if content
                    else "",
                ],
                " ",
            ),
        )
    by_group = info.st_mode & GROUP_WRITES and not (
        _is_trusted_group(info.st_gid) and not _has_access_list(place)
    )
    writable = info.st_mode & OTHERS_WRITE or by_group
    if content and writable:
        raise Unsafe(
            "others could write to it, and may have left in it what would run as you",
            text(
                "Look through it, and then close it: {private} (everything in it stays).", private
            ),
        )
    place.chmod(0o700)
    # Another user can have been quicker than chmod. From now on only this one has access, so this check is the last.
    if not content and any(place.iterdir()):
        raise Unsafe("somebody put files into it just now", _elsewhere())
    return text("{path} was open to others; its mode is 700 now.", path) if content else ""


def _is_home(directory: Path) -> bool:
    info = directory.stat()
    private = info.st_uid == os.geteuid() and not info.st_mode & NOT_OWNER
    return private and not STATE.isdisjoint(entry.name for entry in directory.iterdir())


def _elsewhere(*, otherwise: bool = False, below: str = "") -> str:
    if os.geteuid() == 0 and os.environ.get("SUDO_USER") and not below:
        return text("Run {program} as yourself, without sudo.", names.program)
    if otherwise:
        return text("Or set {setting} to a directory of your own.", names.home)
    return text("Set {setting} to a directory of your own{below}.", names.home, below)


def _is_trusted_group(group: int) -> bool:
    """Return whether a group is the user alone: their private group, or the one that the user trusts."""
    import grp
    import pwd

    # Many systems give each user a group of the same name; with the umask 002 all their directories are writable for
    # it. That is safe as long as the user is the group's only member, also by primary group.
    named = os.environ.get(names.trusted_group, "")
    if named and named in (str(group), _group_name(group)):
        return True
    with suppress(KeyError):
        own = pwd.getpwuid(os.geteuid())
        entry = grp.getgrgid(group)
        return (
            own.pw_gid == group
            and entry.gr_name == own.pw_name
            and set(entry.gr_mem) <= {own.pw_name}
            and all(
                other.pw_name == own.pw_name for other in pwd.getpwall() if other.pw_gid == group
            )
        )
    return False


def _group_name(group: int) -> str:
    import grp

    with suppress(KeyError):
        return grp.getgrgid(group).gr_name
    return str(group)


def _has_access_list(directory: Path) -> bool:
    """Return whether a directory has an access list, which can give rights to more users. Source: acl(5)."""
    # With such a list the group bits of the mode are its mask, not the group's rights. Only Linux has
    # listxattr, so access lists of macOS are not found.
    if not hasattr(os, "listxattr"):
        return False
    with suppress(OSError):
        return "system.posix_acl_access" in os.listxattr(directory)
    return False


def _root_is_unmapped() -> bool:
    """Return whether this process is in a user namespace without the machine's root. Source: user_namespaces(7)."""
    try:
        overflow_id = int(Path("/proc/sys/kernel/overflowuid").read_text())
        ranges = [
            tuple(map(int, line.split()))
            for line in Path("/proc/self/uid_map").read_text().splitlines()
        ]
    except (OSError, ValueError):
        return False
    mapped = any(first <= overflow_id < first + count for first, _, count in ranges)
    return Path("/").stat().st_uid == overflow_id and not mapped


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
