"""Find Docker or Podman on this machine and run its commands.

labkit only calls their command lines. A missing engine is an error with advice on how to install
one; labkit never falls back silently to another backend.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.core.errors import Missing
from labkit.core.language import text

PROBE_SECONDS = 20.0
MAKING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Done:
    """A program that ran to its end."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        """Return whether the exit code is 0."""
        return self.returncode == 0

    @property
    def last_words(self) -> str:
        """The last line of its standard error, which usually has the reason of a failure."""
        lines = [line for line in (self.stderr or self.stdout).splitlines() if line.strip()]
        return lines[-1].strip() if lines else text("exit code {code}", self.returncode)


def call(
    command: Sequence[str],
    *,
    timeout_seconds: float = PROBE_SECONDS,
    env: Mapping[str, str] | None = None,
) -> Done:
    """Run a program quietly, with additional environment variables, and wait until it ends.

    The exit code is 127 if the program is missing, 126 without the permission to run it, 124 after the timeout.
    """
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            check=False,
            env={**os.environ, **(env or {})},
        )
    # The exit codes of a shell, and for the timeout the code of timeout(1).
    except FileNotFoundError:
        return Done(127, "", f"{command[0]}: command not found")
    except PermissionError:
        return Done(126, "", f"{command[0]}: permission denied")
    except subprocess.TimeoutExpired:
        return Done(124, "", f"{command[0]} did not answer within {timeout_seconds:g} s")
    return Done(done.returncode, done.stdout, done.stderr)


def follow(
    command: Sequence[str], report: Callable[[str], None], *, cwd: Path, env: Mapping[str, str]
) -> tuple[int, list[str]]:
    """Run a program with its own output as progress; return its exit code and its lines.

    The program gets a session of its own, so that Ctrl-C reaches labkit alone, which then
    ends it. A container that one of its children is creating is waited for, because the engine
    would finish it even so, after the clean-up.
    """
    lines: list[str] = []
    process: subprocess.Popen[str] | None = None
    try:
        with _uninterrupted():  # an interruption here would leave a program that is not known
            process = subprocess.Popen(
                list(command),
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                # kind writes its progress to standard error.
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        for line in process.stdout or ():
            if text := line.strip():
                lines.append(text)
                report(f"  {text}")
        return process.wait(), lines
    except BaseException:
        if process is not None:
            _end(process)
        raise
    finally:
        if process is not None and process.stdout is not None:
            process.stdout.close()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Defer Ctrl-C and SIGTERM until the block has ended. Only the main thread can handle signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {
        number: signal.signal(number, lambda number, _: came.append(number)) for number in numbers
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            # signal.signal returns None for a handler that was not installed from Python.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    # After the handlers are restored, because they decide on the effect of the signal.
    for late in came:
        signal.raise_signal(late)


def _end(process: subprocess.Popen[str]) -> None:
    """End a program and its children, but wait until a container that one of them creates exists."""
    # The program alone: a `docker run` that it has started goes on until its container can be deleted.
    process.terminate()
    process.wait()
    deadline = time.monotonic() + MAKING_SECONDS
    while _makes_container(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)


def _makes_container(group: int) -> bool:
    """Return whether a process of a group is creating a container."""
    for line in call(["ps", "-ax", "-o", "pgid=,args="]).stdout.splitlines():
        number, _, words = line.strip().partition(" ")
        if number == str(group) and re.match(
            r"\S*(docker|podman|nerdctl|finch) run ", words.strip()
        ):
            return True
    return False


@dataclass(frozen=True)
class Engine:
    """A container engine that answers.

    Args:
        program: ``docker`` or ``podman``.
        facts: The output of ``docker info``.
    """

    program: str
    facts: Mapping[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which kind uses this engine."""
        # With both installed, kind would use Docker; this variable names another provider.
        return {} if self.program == "docker" else {"KIND_EXPERIMENTAL_PROVIDER": self.program}

    @property
    def version(self) -> str:
        """The engine's version."""
        if self.program == "podman":
            return str((self.facts.get("version") or {}).get("Version", ""))
        return str(self.facts.get("ServerVersion", ""))

    @property
    def memory_bytes(self) -> int:
        """The memory for containers; 0 when it is not reported."""
        host = self.facts.get("host") or {}
        return int(self.facts.get("MemTotal") or host.get("memTotal") or 0)

    @property
    def cgroup_version(self) -> str:
        """``1`` or ``2``; empty when unknown."""
        host = self.facts.get("host") or {}
        # Docker reports "2", Podman "v2".
        return str(self.facts.get("CgroupVersion") or host.get("cgroupVersion") or "").lstrip("v")

    @property
    def free_disk_bytes(self) -> int | None:
        """The free space in its image store; None if that directory is not visible here."""
        store = self.facts.get("store") or {}
        root = self.facts.get("DockerRootDir") or store.get("graphRoot") or ""
        try:
            # Docker Desktop and remote engines name a directory of another machine.
            return shutil.disk_usage(root).free if root else None
        except OSError:
            return None

    def run(self, *words: str, timeout_seconds: float = PROBE_SECONDS) -> Done:
        """Run one of the engine's commands."""
        return call([self.program, *words], timeout_seconds=timeout_seconds)

    def has_image(self, image: str) -> bool:
        """Return whether the image is in the engine's store."""
        return self.run("image", "inspect", image).ok

    def container_id(self, name: str) -> str:
        """Return the id of a container, running or not; empty without one."""
        done = self.run("container", "inspect", "--format", "{{.Id}}", name)
        return done.stdout.strip() if done.ok else ""


def find() -> Engine:
    """Return the engine of the first program that answers.

    Raises:
        Missing: When no program answers, with the reason of the first that is installed.
    """
    problems: list[Missing] = []
    for program in ("docker", "podman"):
        if shutil.which(program) is None:
            continue
        done = call([program, "info", "--format", "{{json .}}"])
        facts = _facts(done.stdout)
        # docker info can end with exit code 0 without a daemon, and names the error in its output.
        if done.ok and facts and not facts.get("ServerErrors"):
            return Engine(program, facts)
        problems.append(_problem(program, done, facts))
    if problems:
        raise problems[0]
    raise Missing(
        "Docker is not installed (nor is Podman).",
        todo="Install Docker Desktop, Colima, or your system's package: "
        "https://docs.docker.com/get-docker/ - or use the embedded cluster, which "
        "needs none: labkit up --backend embedded",
    )


def _facts(text: str) -> dict[str, Any]:
    try:
        facts = json.loads(text)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _problem(program: str, done: Done, facts: Mapping[str, Any]) -> Missing:
    errors = facts.get("ServerErrors") or []
    reason = str(errors[0]) if errors else done.last_words
    low = reason.lower()
    name = program.capitalize()
    if "permission denied" in low:
        return Missing(
            text("{name} is installed, but you may not use it.", name),
            why=reason,
            todo="sudo usermod -aG docker $USER, then log out and in again (or run rootless Docker).",
        )
    if (
        "cannot connect" in low
        or "is the docker daemon running" in low
        or "connection refused" in low
    ):
        return Missing(
            text("{name} is installed, but it does not run.", name),
            why=reason,
            todo=text(
                "Start it: sudo systemctl start {program} - or open Docker Desktop.", program
            ),
        )
    return Missing(
        text("{name} does not answer.", name),
        why=reason,
        todo=text("See what `{program} info` says.", program),
    )
