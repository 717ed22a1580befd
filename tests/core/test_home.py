from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.core.errors import HomeError
from labkit.core.home import ensure_private, home_path, is_locked, locked, read_json, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_environment_names_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "x"))
    assert home_path() == tmp_path / "x"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABKIT_HOME", "relative")
    assert home_path() == tmp_path / "relative"
    monkeypatch.delenv("LABKIT_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    if sys.platform == "linux":
        assert home_path() == tmp_path / "data" / "labkit"


def test_what_is_written_is_private_whole_and_leaves_no_rest(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.json"
    write_private(target, "one")
    write_private(target, "two")
    assert target.read_text() == "two"
    assert (mode(target), mode(target.parent)) == (0o600, 0o700)
    assert list(target.parent.iterdir()) == [target]


def test_what_could_not_be_written_leaves_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = tmp_path / "home" / "file.json"
    write_private(target, "one")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(HomeError, match="No space left on device"):
        write_private(target, "two")
    assert target.read_text() == "one"
    assert list(target.parent.iterdir()) == [target]


def test_an_open_directory_is_made_private(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    assert mode(ensure_private(tmp_path / "open")) == 0o700


def test_a_directory_that_is_others_as_well_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir(mode=0o755)
    (tmp_path / "project" / "thesis.txt").write_text("")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    for name, before in (("project", 0o755), ("shared", 0o1777)):
        with pytest.raises(HomeError, match=f"(?s)others may enter it.*such as .*/{name}/labkit"):
            ensure_private(tmp_path / name)
        assert mode(tmp_path / name) == before
    assert mode(ensure_private(tmp_path / "shared" / "labkit")) == 0o700


def test_a_home_that_is_a_file_is_said_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError) as caught:
        write_private(tmp_path / "file" / "x", "y")
    assert caught.value.exit_code == 7
    assert "LABKIT_HOME" in str(caught.value)


@pytest.mark.skipif(
    os.geteuid() == 0, reason="root may write everywhere; the case above covers the message"
)
def test_a_read_only_home_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(HomeError, match="cannot use"):
        write_private(tmp_path / "x", "y")
    tmp_path.chmod(0o700)


def test_damaged_json_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert read_json(path) == {}
    for text in ("", "{", "[1]", "null"):
        path.write_text(text)
        assert read_json(path) == {}
    path.write_text('{"a": 1}')
    assert read_json(path) == {"a": 1}


def test_a_lock_is_seen_by_others_and_ends_with_its_block(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    probe = [
        sys.executable,
        "-c",
        "import sys; from pathlib import Path; from labkit.core.home import is_locked; ",
    ]
    probe[2] += "print(is_locked(Path(sys.argv[1])))"
    root = Path(__file__).parents[2]

    def seen() -> str:
        return subprocess.check_output([*probe, str(lock)], cwd=root, text=True).strip()

    assert not is_locked(lock)
    with locked(lock):
        assert seen() == "True"
    assert seen() == "False"
