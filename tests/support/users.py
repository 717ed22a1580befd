"""Two ordinary users in addition to root: one uses labkit, the other is hostile.

Where the tests run as root both are real. Elsewhere a test runs itself again in a user
namespace, where it is root of some unused ids; see ``in_a_user_namespace``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from kube_embedded.tests.support.until import SECONDS

VICTIM, ATTACKER = 61001, 61002
ROOT = Path(__file__).parents[2]


def run_as(
    user: int,
    command: list[str],
    *,
    cwd: Path = ROOT,
    groups: tuple[int, ...] = (),
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run a command as a user, with an environment of its own.

    Args:
        user: The user and the group.
        command: The command.
        cwd: Where.
        groups: Further groups.
        environment: Variables in addition to the path and the umask.
    """
    return _run(_right() or "", user, command, cwd, groups, environment)


def _run(
    right: str,
    user: int,
    command: list[str],
    cwd: Path,
    groups: tuple[int, ...],
    environment: Mapping[str, str],
) -> subprocess.CompletedProcess[str]:
    kept: Mapping[str, str] = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    become = ["setpriv", f"--reuid={user}", f"--regid={user}"]
    become += ["--groups=" + ",".join(map(str, groups)) if groups else "--clear-groups"]
    become += [f"--inh-caps=+{right}", f"--ambient-caps=+{right}"] if right else []
    return subprocess.run(
        [*become, *command],
        cwd=cwd,
        env={**kept, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@cache
def _right() -> str | None:
    """Return the capability that others need to read a Python in root's own home; None if none is enough.

    With it they can read more, but do not own more.
    """
    inner = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import labkit.lab'], check=True)"
    command = [sys.executable, "-c", inner]
    for right in ("", "dac_read_search", "dac_override"):
        if _run(right, VICTIM, command, ROOT, (), {}).returncode == 0:
            return right
    return None


@cache
def why_not_two_users() -> str:
    """Why there cannot be two users here; empty if there can."""
    if os.geteuid() != 0:
        return (
            "only root can be other users; the same runs in a user namespace where there can be one"
        )
    if shutil.which("setpriv") is None:
        return "setpriv (util-linux) is not here"
    return "" if _right() is not None else "other users cannot run this Python"


def namespace_command(*command: str) -> list[str] | None:
    """Return a command in a user namespace with many ids, or None if the machine does not allow one.

    Not all ids are mapped: 65534 stands for everybody who is not, the machine's root too.
    """
    unshare = shutil.which("unshare")
    if not unshare or not shutil.which("newuidmap"):
        return None
    first = {}
    for option, file in (("--map-users", "/etc/subuid"), ("--map-groups", "/etc/subgid")):
        try:
            lines = [
                line.split(":") for line in Path(file).read_text(encoding="utf-8").splitlines()
            ]
        except OSError:
            return None
        mine = [
            line[1]
            for line in lines
            if line[0] in (pwd.getpwuid(os.getuid()).pw_name, str(os.getuid()))
        ]
        if not mine:
            return None
        first[option] = mine[0]
    maps = [word for option, start in first.items() for word in (option, f"{start},1,65000")]
    prefix = [unshare, "--user", "--map-root-user", *maps]
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return [*prefix, *command] if tried.returncode == 0 else None
