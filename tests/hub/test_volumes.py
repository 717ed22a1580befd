"""A volume that is full, and one that two containers share; with the embedded cluster alone, without a hub."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BEGIN = "import sys\nfrom labkit import Lab\nfrom labkit.core.errors import LabkitError\n"

POD = f"""{BEGIN}
try:
    lab = Lab(say=lambda line: None)
    print("started", lab.admin.get("/api/v1/namespaces/of-the-first").status, flush=True)
    lab.apply("kind: Namespace\\napiVersion: v1\\nmetadata: {{name: of-the-first}}")
except LabkitError as error:
    print(error, flush=True)
sys.stdin.read()
"""

FULL = f"""{BEGIN}
import os
from pathlib import Path
from labkit import check, predict
lab = Lab(say=lambda line: None)
predict("W15", "allowed")
lab.note_command("default/curl", "ls", 0, 0.1)
with open(lab.home / "filler", "wb", buffering=0) as filler:
    for size in (65536, 4096, 1):
        try:
            while True:
                filler.write(b"x" * size)
        except OSError:
            pass
def said(action):
    try:
        action()
    except LabkitError as error:
        print(type(error).__name__, " ".join(str(error).split()))
    else:
        print("done")
said(lambda: predict("W15", "forbidden"))
said(lambda: [lab.note_command("default/curl", "ls " + "x" * 5000, 0, 0.1) for _ in range(9)])
said(lambda: check("W1"))
said(lambda: lab.admin.get("/api/v1/namespaces"))
large = "kind: ConfigMap\\napiVersion: v1\\nmetadata: {{name: c%d}}\\ndata: {{a: '%s'}}"
said(lambda: [lab.apply(large % (number, "x" * 9000)) for number in range(99)])
print(lab.progress.prediction("W15"))
os.unlink(lab.home / "filler")
said(lambda: lab.note_command("default/curl", "after", 0, 0.1))
print([entry["command"][:5] for entry in lab.journal.entries()][-1])
said(lambda: predict("W15", "forbidden"))
print(lab.progress.prediction("W15"))
said(lambda: lab.apply("kind: Namespace\\napiVersion: v1\\nmetadata: {{name: after}}"))
lab.stop()
"""


def python(code: str, home: Path, *, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "LABKIT_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def container() -> tuple[str, ...]:
    """Return a command that runs others in their own process and network namespaces, as a pod does."""
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    inner = ("sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    command = (
        "unshare",
        *user,
        "--pid",
        "--net",
        "--uts",
        "--fork",
        "--kill-child",
        "--mount-proc",
        *inner,
    )
    if not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip(
            "unshare or ip is not here; tests/backends/test_embedded.py covers a server of another container"
        )
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip(
            "no namespaces can be had; tests/backends/test_embedded.py covers a server of another container"
        )
    return command


def test_two_containers_of_one_volume_do_not_meet(tmp_path: Path) -> None:
    """Two pods of one user, or of two users whose pods have the same number, with one ``LABKIT_HOME`` by mistake."""
    home, prefix = tmp_path / "home", container()
    first = python(POD, home, prefix=prefix)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "started 404\n"
        kept = (home / "server.json").read_text()
        second, _ = python(POD, home, prefix=prefix).communicate(timeout=120)
        host = json.loads(kept)["host"]
        assert second.splitlines() == [
            f"{home} is in use in another container or on another machine.",
            f"  why: the embedded cluster runs on {host}",
            "  try: Stop that one first, or set LABKIT_HOME to a directory that this one has for itself.",
        ]
        assert (home / "server.json").read_text() == kept, (
            "the second one does not even end the first one's cluster"
        )
        assert "names another server" not in (home / "server.log").read_text()
    finally:
        first.communicate(timeout=120)
    # The first container has ended, without a word: its state is whole.
    third, _ = python(POD, home, prefix=prefix).communicate(timeout=120)
    assert third == "started 200\n"


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip(
            "only root can mount a small volume; tests/robustness/test_durability.py has a file size limit"
        )
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", tmp_path], capture_output=True
    ).returncode:
        pytest.skip(
            "no mount is allowed here; tests/robustness/test_durability.py has a file size limit"
        )
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.mark.slow
def test_on_a_full_volume_a_lesson_says_so_and_goes_on_once_there_is_room(volume: Path) -> None:
    home = volume / "home"
    said, _ = python(FULL, home).communicate(timeout=180)
    full = "why: No space left on device try: Make it writable, free some space, or set LABKIT_HOME to another directory."
    # The number that fits into the database's free pages does not matter.
    assert re.sub(r"ConfigMap c\d+ ", "ConfigMap c… ", said).splitlines() == [
        f"HomeError labkit cannot use {home}/progress.json. {full}",
        f"HomeError labkit cannot use {home}/journal-embedded.jsonl. {full}",
        f"HomeError labkit cannot use {home}/progress.json. {full}",
        "done",  # what only reads goes on
        "ApiFailure ConfigMap c… was not accepted. why: the server said 500: Internal error occurred: "
        "the cluster's state cannot be written, nothing was changed: database or disk is full "
        "try: Make room where the cluster's state lies (`labkit status` names it), then try again.",
        "allowed",
        # With room again: a half-written entry does not damage later ones.
        "done",
        "after",
        "done",
        "forbidden",
        "done",
    ]
