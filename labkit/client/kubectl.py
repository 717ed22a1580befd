"""Run the machine's kubectl, where it is installed, against the lab's cluster.

kubectl gets the lab's kubeconfig and cache directory, so that it neither reads nor writes
``~/.kube``. No lesson depends on it: where it is missing, the result says so.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from labkit.core.display import Card, Row, Shown
from labkit.core.errors import UsageError
from labkit.core.redact import redact

SECONDS = 60.0
"""The timeout of a command."""


@dataclass(frozen=True, repr=False)
class Ran(Shown):
    """A kubectl command that ran, or could not run.

    Args:
        command: The command line.
        returncode: Its exit code; 127 where kubectl is not installed, 124 after the timeout.
        stdout: Its standard output.
        stderr: Its standard error.
    """

    command: str
    returncode: int
    stdout: str = ""
    stderr: str = ""

    def card(self) -> Card:
        """The command and its output."""
        if self.returncode == 127:
            note = "kubectl is not installed here. Nothing is lost: the lab needs none."
            return Card("kubectl, if you had it", "plain", [Row("would be", self.command), Row("note", note)])
        tone = "good" if self.returncode == 0 else "warn"
        rows = [Row("said", redact(self.stderr.rstrip()))]
        return Card(self.command, tone, rows, redact(self.stdout))


def exec_in(command: str) -> tuple[str, str] | None:
    """The pod (``namespace/name``) and the command line of a ``kubectl exec``; None for another command."""
    options, _, line = command.partition(" -- ")
    words = shlex.split(options)
    if "exec" not in words or not line:
        return None
    namespace, pod = "default", ""
    rest = iter(words[1:])
    for word in rest:
        if word in ("-n", "--namespace"):
            namespace = next(rest, namespace)
        elif word.startswith(("--namespace=", "-n=")):
            namespace = word.partition("=")[2]
        elif word in ("-c", "--container"):
            next(rest, "")
        elif not word.startswith("-") and word != "exec" and not pod:
            pod = word.rpartition("/")[2]
    words = shlex.split(line)
    inner = words[2] if len(words) == 3 and words[1] == "-c" else line
    return f"{namespace}/{pod}", inner


def run(line: str, kubeconfig: Path, cache: Path) -> Ran:
    """Run one kubectl command.

    Args:
        line: The arguments of ``kubectl``, split as a shell would; no shell runs.
        kubeconfig: The kubeconfig to use.
        cache: kubectl's cache directory.

    Raises:
        UsageError: When the line cannot be split, or is ``edit``, which needs a terminal.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{line} is no command line.", why=str(error), todo="Close what you opened.") from error
    if words[:1] == ["kubectl"]:
        words = words[1:]
    command = shlex.join(["kubectl", *words])
    if words[:1] == ["edit"]:
        raise UsageError(
            f"{command} opens an editor, and a cell has none.",
            todo="Run it in a terminal, or make the change in YAML (lab.apply) or in Python.",
        )
    program = shutil.which("kubectl")
    if program is None:
        return Ran(command, 127, stderr="kubectl: command not found")
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "KUBECACHEDIR": str(cache)}
    try:
        done = subprocess.run(
            [program, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Ran(
            command,
            124,
            stderr=f"cut off after {SECONDS:g} s: what goes on by itself, or waits for you, belongs in a terminal",
        )
    return Ran(command, done.returncode, done.stdout, done.stderr)
