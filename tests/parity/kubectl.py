"""Run recorded kubectl commands, and compare exit code, output and errors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from kube_embedded.tests.support.server import Server
from tests.parity.accepted import Agreement
from tests.parity.model import load
from tests.parity.section import Section, of_commands
from tests.parity.text import mask_output

RECORDED_VERSION = "1.32"


@lru_cache(maxsize=1)
def missing() -> str:
    """Why the kubectl recordings cannot be replayed here; empty when they can."""
    program = shutil.which("kubectl")
    if program is None:
        return "kubectl is not installed (Debian: apt-get install kubernetes-client)"
    output = subprocess.run(
        [program, "version", "--client", "-o", "json"], capture_output=True, text=True, check=False
    )
    version = json.loads(output.stdout)["clientVersion"]
    if f"{version['major']}.{version['minor']}" != RECORDED_VERSION:
        return f"the recordings are kubectl {RECORDED_VERSION}'s, and this one is {version['gitVersion']}"
    return ""


class Shell:
    """Run commands as in a terminal, with the administrator's kubeconfig.

    Args:
        server: The server that kubectl uses.
        names: Literal strings to mask in its output.
    """

    def __init__(self, server: Server, names: Mapping[str, str] | None = None) -> None:
        address = server.url.split("://")[1]
        self.names = {server.url: "<server>", address: "<server>", **(names or {})}
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(server.home),
            "KUBECONFIG": str(server.kubeconfig),
            "KUBECACHEDIR": str(server.home / "kube-cache"),
        }

    def run(self, command: list[str], stdin: str | None = None) -> dict[str, Any]:
        """Run a command to its end; the result is masked."""
        raw = self.raw(command, stdin)
        return {
            "rc": raw.returncode,
            "stdout": mask_output(raw.stdout, self.names),
            "stderr": mask_output(raw.stderr, self.names),
        }

    def raw(self, command: list[str], stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            command,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=180,
            check=False,
            env=self._environment,
        )


def recorded(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded result in the same form as ``Shell.run``."""
    return {
        "rc": entry["rc"],
        "stdout": mask_output(entry["stdout"], {}),
        "stderr": mask_output(entry["stderr"], {}),
    }


def run(server: Server, agreement: Agreement) -> Section:
    """Run ``kubectl.json`` in order against a fresh server without a node.

    Args:
        server: The server.
        agreement: The omitted features: ``kubectl api-versions`` does not list such groups.
    """
    shell = Shell(server)
    pairs = []
    for number, entry in enumerate(load("kubectl")):
        got = shell.run(["bash", "-c", entry["cmd"]])
        expected = recorded(entry)
        if entry["cmd"] == "kubectl api-versions":
            lines = expected["stdout"].split("\n")
            kept = [
                line for line in lines if not agreement.leaves_out("group", line.partition("/")[0])
            ]
            expected["stdout"] = "\n".join(kept)
        pairs.append((f"kubectl/{number + 1:03} {entry['cmd'][:90]}", expected, got))
    return of_commands("kubectl", "kubectl commands, node left out.", pairs)
