"""Run the machine's kubectl, if it is installed, against the lab's cluster.

kubectl gets the lab's kubeconfig and cache directory, so that it neither reads nor writes
``~/.kube``. No lesson depends on it: a missing kubectl is reported in the result.
"""

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from labkit.core import page
from labkit.core.arguments import describe
from labkit.core.display import Card, Displayable, Row
from labkit.core.errors import UsageError
from labkit.core.language import text
from labkit.core.redact import redact

SECONDS = 60.0
"""The timeout of a command."""


@dataclass(frozen=True, repr=False)
class CompletedKubectl(Displayable):
    """A kubectl command that ran, or could not run.

    Args:
        command: The command line.
        returncode: Its exit code; 127 if kubectl is not installed, 124 after the timeout.
        stdout: Its standard output.
        stderr: Its standard error.
        note: The problem with the user of ``--as``; empty without one.
    """

    command: str
    returncode: int
    stdout: str = ""
    stderr: str = ""
    note: str = ""

    def card(self) -> Card:
        """Return a card with the command and its output."""
        if self.returncode == 127:
            note = text("kubectl is not installed here. Nothing is lost: the lab needs none.")
            if page.IN_PAGE:
                note = text(
                    "A page of a browser cannot run kubectl. Nothing is lost: the lab needs none."
                )
            return Card(
                text("kubectl, if you had it"),
                "plain",
                [Row("would be", self.command), Row("note", note)],
            )
        tone = "good" if self.returncode == 0 else "warn"
        rows = [Row("said", redact(self.stderr.rstrip())), Row("note", self.note)]
        return Card(self.command, tone, rows, redact(self.stdout))


def exec_in(command: str) -> tuple[str, str] | None:
    """Return the pod (``namespace/name``) and the command line of a ``kubectl exec``; None for another command."""
    words = shlex.split(command)
    if "exec" not in words or "--" not in words[:-1]:
        return None
    # kubectl's options end at the dashes; the command after them has options of its own.
    cut = words.index("--")
    words, inside = words[:cut], words[cut + 1 :]
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
    # `sh -c LINE` is the line itself, as in Lab.exec, so that both are the same evidence.
    inner = inside[2] if len(inside) == 3 and inside[1] == "-c" else shlex.join(inside)
    return f"{namespace}/{pod}", inner


def impersonated(command: str) -> str:
    """Return the user that a kubectl command impersonates (``--as``); empty without one."""
    words = shlex.split(command)
    given = [word.partition("=")[2] for word in words if word.startswith("--as=")]
    given += [after for word, after in pairwise(words) if word == "--as"]
    return next(iter(given), "")


def run(line: str, kubeconfig: Path, cache: Path) -> CompletedKubectl:
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
        raise UsageError(
            text("{line} is no command line.", describe(line)),
            why=str(error),
            todo="Close the quotes that you opened.",
        ) from error
    if words[:1] == ["kubectl"]:
        words = words[1:]
    command = shlex.join(["kubectl", *words])
    if words[:1] == ["edit"]:
        raise UsageError(
            text("{command} opens an editor, and a cell has none.", describe(command)),
            todo="Run it in a terminal, or make the change in YAML (lab.apply) or in Python.",
        )
    program = None if page.IN_PAGE else shutil.which("kubectl")
    if program is None:
        # The exit codes of a shell for an unknown command, and below of timeout(1).
        return CompletedKubectl(command, 127, stderr="kubectl: command not found")
    # The rest of the environment stays: kubectl finds credential plugins on the PATH.
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "KUBECACHEDIR": str(cache)}
    try:
        done = subprocess.run(
            [program, *words],
            env=environment,
            # A cell has no keyboard: with `apply -f -` kubectl would wait for input until the timeout.
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(
            "kubectl could not be run.", why=why, todo="Write a shorter command."
        ) from error
    except subprocess.TimeoutExpired:
        return CompletedKubectl(
            command,
            124,
            stderr=f"cut off after {SECONDS:g} s: what goes on by itself, or waits for you, belongs in a terminal",
        )
    return CompletedKubectl(command, done.returncode, done.stdout, done.stderr)
