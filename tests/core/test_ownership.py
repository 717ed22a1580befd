"""The rules for the owner of a directory, one by one, for any user who runs the tests."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import stat
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest

from kube_embedded import ownership
from kube_embedded.files import NotPlain, open_file
from kube_embedded.ownership import Unsafe, check_parent, follow
from labkit.core.errors import HomeError
from labkit.core.home import (
    check_home,
    ensure_private,
    home_path,
    is_locked,
    locked,
    read_json,
    write_private,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def open_parent(tmp_path: Path) -> Path:
    """A directory that does not protect the homes in it."""
    parent = tmp_path / "parent"
    parent.mkdir()
    return parent


def home_with_state(parent: Path, wide: int) -> Path:
    home = parent / "home"
    write_private(home / "state.db", "objects")
    home.chmod(wide)
    return home


@pytest.mark.parametrize("wide", [0o755, 0o750, 0o711])
def test_a_home_that_others_may_read_is_closed_and_said(
    open_parent: Path,
    wide: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After ``chmod 755``, or from a backup, other users could not change its content."""
    home = home_with_state(open_parent, wide)
    monkeypatch.setenv("LABKIT_HOME", str(home))
    assert home_path() == home
    assert mode(home) == 0o700
    assert capsys.readouterr().err == f"labkit: {home} was open to others; its mode is 700 now.\n"
    assert home_path() == home
    assert capsys.readouterr().err == ""
    assert (home / "state.db").read_text() == "objects"


@pytest.mark.parametrize("wide", [0o777, 0o707])
def test_a_home_that_others_could_write_to_is_left_to_its_owner(
    open_parent: Path, wide: int
) -> None:
    home = home_with_state(open_parent, wide)
    with pytest.raises(HomeError) as caught:
        check_home(home)
    assert caught.value.what == f"labkit does not use {home}."
    assert (
        caught.value.why
        == "others could write to it, and may have left in it what would run as you"
    )
    assert (
        caught.value.todo
        == f"Look through it, and then close it: chmod 700 {home} (everything in it stays)."
    )
    home.chmod(0o700)
    assert check_home(home) == home


def test_a_directory_that_is_used_for_something_else_names_both_ways_out(open_parent: Path) -> None:
    home = open_parent / "my project"
    home.mkdir(mode=0o755)
    (home / "thesis.txt").write_text("")
    with pytest.raises(HomeError) as caught:
        check_home(home)
    assert caught.value.todo == (
        f"Set LABKIT_HOME to a directory of its own, such as {home / 'labkit'}. "
        f"Or, if it is labkit's alone: chmod 700 '{home}'"
    )


def test_what_lies_in_a_private_home_is_closed_without_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a hub's volume comes back after a restart: everything is the group's as well."""
    write_private(tmp_path / "home" / "kind" / "cluster.json", "{}")
    (tmp_path / "home" / "kind").chmod(0o2770)
    ensure_private(tmp_path / "home" / "kind")
    assert mode(tmp_path / "home" / "kind") == 0o700
    assert capsys.readouterr().err == ""


def test_a_parent_that_all_may_write_to_is_named_with_the_way_out(open_parent: Path) -> None:
    open_parent.chmod(0o777)
    with pytest.raises(HomeError) as caught:
        check_home(open_parent / "home")
    assert caught.value.why == f"every user of this machine can replace what lies in {open_parent}"
    assert caught.value.todo == (
        f"Take that right away: chmod o-w {open_parent}. Or set LABKIT_HOME to a directory of your own."
    )
    open_parent.chmod(0o1777)
    assert mode(ensure_private(open_parent / "home")) == 0o700


def people(
    monkeypatch: pytest.MonkeyPatch, group: str, members: list[str], *others: tuple[str, int]
) -> None:
    """Replace the machine's users: the user who runs the tests is jane, of group 4321."""
    jane = SimpleNamespace(pw_name="jane", pw_gid=4321)
    monkeypatch.setattr(pwd, "getpwuid", lambda _user: jane)
    monkeypatch.setattr(
        pwd,
        "getpwall",
        lambda: [jane, *(SimpleNamespace(pw_name=name, pw_gid=of) for name, of in others)],
    )
    monkeypatch.setattr(
        grp, "getgrgid", lambda _group: SimpleNamespace(gr_name=group, gr_mem=members)
    )


@pytest.mark.parametrize(
    ("group", "members", "others", "alone"),
    [
        ("jane", [], [], True),
        ("jane", ["jane"], [("bob", 1)], True),
        ("jane", ["bob"], [], False),
        ("jane", [], [("bob", 4321)], False),
        ("users", [], [], False),
    ],
)
def test_a_group_that_is_the_user_alone_may_write_to_parents(
    monkeypatch: pytest.MonkeyPatch,
    group: str,
    members: list[str],
    others: list[tuple[str, int]],
    alone: bool,
) -> None:
    people(monkeypatch, group, members, *others)
    assert ownership._is_trusted_group(4321) is alone
    assert not ownership._is_trusted_group(1)
    monkeypatch.setenv(ownership.names.trusted_group, group)
    assert ownership._is_trusted_group(4321)
    monkeypatch.setenv(ownership.names.trusted_group, "4322")
    assert ownership._is_trusted_group(4321) is alone


def access_list(*entries: tuple[int, int, int]) -> bytes:
    """Return an access list as the kernel takes it: tags, rights and ids. Source: linux/posix_acl_xattr.h."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_a_parent_with_an_access_list_is_refused_where_its_group_may_write(
    open_parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an access list the group's bits are its mask, not the group's rights."""
    monkeypatch.setenv(ownership.names.trusted_group, str(open_parent.stat().st_gid))
    open_parent.chmod(0o770)
    check_parent(open_parent)
    user, named, group, mask, other, nobody = 1, 2, 4, 0x10, 0x20, 0xFFFFFFFF
    entries = (
        (user, 7, nobody),
        (named, 7, 61002),
        (group, 0, nobody),
        (mask, 7, nobody),
        (other, 0, nobody),
    )
    try:
        os.setxattr(open_parent, "system.posix_acl_access", access_list(*entries))
    except (AttributeError, OSError) as error:
        pytest.skip(f"no access lists here: {error}")
    with pytest.raises(Unsafe, match=r"access list of .* may let others"):
        check_parent(open_parent)
    open_parent.chmod(0o750)
    check_parent(open_parent)  # the mask removes the right to write from all entries
    default = access_list(
        (user, 7, nobody), (named, 7, 61002), *((tag, 7, nobody) for tag in (group, mask, other))
    )
    os.setxattr(open_parent, "system.posix_acl_default", default)
    write_private(open_parent / "home" / "file", "")
    assert (mode(open_parent / "home"), mode(open_parent / "home" / "file")) == (0o700, 0o600)


def test_links_and_dots_are_followed_as_the_kernel_does(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/b")
    (tmp_path / "far").symlink_to(tmp_path / "link")
    assert follow(tmp_path / "far" / ".." / "b") == tmp_path.resolve() / "a" / "b"
    assert follow(tmp_path / "link" / ".." / "link") is None
    assert ensure_private(tmp_path / "far" / "home") == tmp_path / "far" / "home"
    assert (tmp_path / "a" / "b" / "home").is_dir()
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(HomeError, match="Too many levels of symbolic links"):
        check_home(tmp_path / "round" / "home")


def test_a_home_below_the_directory_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir(mode=0o777)
    (tmp_path / "here").chmod(0o777)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("LABKIT_HOME", "home")
    with pytest.raises(HomeError, match="every user of this machine can replace what lies in"):
        home_path()


def test_files_are_the_users_own_and_plain(tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.write_text("years of work")
    home = ensure_private(tmp_path / "home")
    for name in ("server.log", "backend.json", "lock"):
        (home / name).symlink_to(treasure)
        for flags in (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_RDWR | os.O_CREAT):
            with pytest.raises(NotPlain, match="symbolic link"):
                open_file(home / name, flags)
    with pytest.raises(
        HomeError, match=r"(?s)it is a symbolic link.*Look at what it is, and move it away"
    ):
        read_json(home / "backend.json")
    with pytest.raises(HomeError, match="symbolic link"), locked(home / "lock"):
        pass
    with pytest.raises(HomeError, match="symbolic link"):
        is_locked(home / "lock")
    (home / "hard").hardlink_to(treasure)
    for flags in (os.O_WRONLY | os.O_TRUNC, os.O_RDWR):
        with pytest.raises(NotPlain, match="hard link"):
            open_file(home / "hard", flags)
    os.mkfifo(home / "pipe")
    (home / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(home / "socket"))
    for name in ("pipe", "folder", "socket"):
        with pytest.raises((NotPlain, IsADirectoryError)):
            open_file(home / name, os.O_WRONLY)
        with pytest.raises(NotPlain, match="no regular file"):
            open_file(home / name, os.O_RDONLY)
    assert treasure.read_text() == "years of work"


def test_a_new_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        os.close(open_file(tmp_path / "file", os.O_WRONLY | os.O_CREAT))
    finally:
        os.umask(before)
    assert mode(tmp_path / "file") == 0o600


def test_what_is_put_into_an_empty_directory_while_it_is_closed_is_noticed(
    open_parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, closed = open_parent / "home", Path.chmod
    home.mkdir()
    home.chmod(0o777)

    def slow(path: Path, new: int) -> None:
        (path / "trap").touch()
        closed(path, new)

    monkeypatch.setattr(Path, "chmod", slow)
    with pytest.raises(HomeError, match="somebody put files into it just now"):
        ensure_private(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    os.chown(tmp_path / "file", 12345, -1)
    with pytest.raises(NotPlain, match=r"belongs to another user \(id 12345\)"):
        open_file(tmp_path / "file", os.O_RDONLY)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_is_another_users_in_a_home_is_named(tmp_path: Path) -> None:
    home = ensure_private(tmp_path / "home")
    write_private(home / "jupyter" / "config" / "jupyter_server_config.py", "")
    write_private(home / "notebooks" / "mine.ipynb", "")
    os.chown(home / "notebooks" / "mine.ipynb", 12345, -1)
    assert check_home(home) == home
    planted = home / "jupyter" / "config" / "jupyter_server_config.py"
    os.chown(planted, 12345, -1)
    with pytest.raises(HomeError) as caught:
        check_home(home)
    assert caught.value.why == f"{planted} belongs to another user (id 12345)"
    assert f"sudo chown -hR 0 {home}" in caught.value.todo


def test_the_owner_of_the_root_stands_for_root_where_root_has_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ownership.is_trusted_user(0)
    assert ownership.is_trusted_user(os.geteuid())
    monkeypatch.setattr(ownership, "_root_is_unmapped", lambda: True)
    assert ownership.is_trusted_user(Path("/").stat().st_uid)
