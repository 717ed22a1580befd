"""Temporary directories are removed by their program, or after it was killed by the next one."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labkit.core.scratch import PROGRAM_LOCK, abandoned, scratch_directory

PROGRAM = """
import sys
from pathlib import Path
from labkit.core.scratch import scratch_directory
with scratch_directory("labkit-test-", Path(sys.argv[1])) as directory:
    (directory / "key").write_text("secret")
    print(directory, flush=True)
    input()
"""


@contextmanager
def program(within: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another program with a temporary directory."""
    command = [sys.executable, "-c", PROGRAM, str(within)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_it_is_private_and_goes_at_the_end(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), scratch_directory("labkit-test-", tmp_path) as directory:
        assert directory.parent == tmp_path
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert [entry.name for entry in directory.iterdir()] == [PROGRAM_LOCK]
        assert stat.S_IMODE((directory / PROGRAM_LOCK).stat().st_mode) == 0o600
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_program_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    with program(tmp_path) as (process, directory):
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert abandoned(tmp_path) == [directory]
        with scratch_directory("other-", tmp_path) as mine:
            assert list(tmp_path.iterdir()) == [mine]


def test_what_a_running_program_has_stays(tmp_path: Path) -> None:
    with program(tmp_path) as (process, directory):
        assert abandoned(tmp_path) == []
        with scratch_directory("labkit-test-", tmp_path):
            assert (directory / "key").exists()
        process.send_signal(signal.SIGSTOP)
        assert abandoned(tmp_path) == []


def test_a_name_alone_condemns_nothing(tmp_path: Path) -> None:
    """Other directories with such a name, links, files and other users' directories are not removed."""
    (tmp_path / "labkit-test-mine").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").mkdir()
    (tmp_path / "elsewhere" / "kept" / PROGRAM_LOCK).touch(mode=0o600)
    (tmp_path / "labkit-test-link").symlink_to(tmp_path / "elsewhere" / "kept")
    (tmp_path / PROGRAM_LOCK).touch()
    if os.geteuid() == 0:
        other = tmp_path / "labkit-test-other"
        other.mkdir()
        (other / PROGRAM_LOCK).touch()
        os.chown(other, 61001, 61001)
    assert abandoned(tmp_path) == []
    assert abandoned(tmp_path / "missing") == []
    assert abandoned(tmp_path / "elsewhere") == [tmp_path / "elsewhere" / "kept"]
