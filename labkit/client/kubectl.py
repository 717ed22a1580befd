"""Run the learner's own kubectl against the lab's cluster, where it is installed.

It gets the lab's kubeconfig and a cache directory of the lab's own, so that nothing
is read from or written to ``~/.kube``. Every step works without it: where kubectl is
missing, the answer says so in a sentence.
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
"""The longest a command may take."""


@dataclass(frozen=True, repr=False)
class Ran(Shown):
    """A kubectl command that ran, or could not.

    Args:
        command: The command as one would type it.
        returncode: Its exit code; 127 where kubectl is not installed.
        stdout: What it printed.
        stderr: What it complained about.
    """

    command: str
    returncode: int
    stdout: str = ""
    stderr: str = ""

    def card(self) -> Card:
        """The command and what it said."""
        if self.returncode == 127:
            note = "kubectl is not installed here. Nothing is lost: the lab needs none."
            return Card("kubectl, if you had it", "plain", [Row("would be", self.command), Row("note", note)])
        tone = "good" if self.returncode == 0 else "warn"
        rows = [Row("said", redact(self.stderr.rstrip()))]
        return Card(self.command, tone, rows, redact(self.stdout))


def run(line: str, kubeconfig: Path, cache: Path) -> Ran:
    """Run one kubectl command.

    Args:
        line: What follows the word ``kubectl``; no shell sees it.
        kubeconfig: The kubeconfig to use.
        cache: Where kubectl may keep its cache.

    Returns:
        What it printed and its exit code.

    Raises:
        UsageError: When the line cannot be taken apart into words, or wants an editor.
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
