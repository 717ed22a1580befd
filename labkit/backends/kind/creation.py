"""What the program kind says while it creates a cluster: what of it is progress, and why it failed.

Where a command in the node fails, kind prints all that the command said, which for
kubeadm is hundreds of lines. They go to a file; the learner gets the one that says why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from labkit.backends.base import Report
from labkit.core.errors import StartFailed

_ERROR = "ERROR: "
_OUTPUT = "Command Output: "
_KUBEADM_FAILED = re.compile(r"(?:error: )?(error execution phase .+)")
"""How kubeadm's last words begin; a stack of calls may follow them."""


def progress(report: Report) -> Report:
    """What takes kind's lines and passes on those that tell how far it is.

    Args:
        report: Takes them.
    """
    over = False

    def told(line: str) -> None:
        nonlocal over
        over = over or line.strip().startswith(_OUTPUT)
        if not over:
            report(line)

    return told


def failed(lines: Sequence[str], log: Path, image: str, cluster: str) -> StartFailed:
    """Why a creation failed, and what to do.

    Args:
        lines: All that kind said.
        log: Where that is kept.
        image: The node image; empty for kind's own.
        cluster: The cluster's name.
    """
    text = "\n".join(lines).lower()
    todo = (
        f"kind's whole output: {log}. `labkit doctor` looks at this machine; "
        "`labkit up --backend embedded` needs no Docker."
    )
    if "pull" in text and ("image" in text or "manifest" in text):
        name = image or "kind's node image"
        todo = (
            f"{name} is not here and cannot be pulled. Check the network, load it "
            "(docker load -i FILE), or name one that is here: --image or LABKIT_KIND_IMAGE."
        )
    elif "could not find a log line" in text:
        todo = f"{image or 'The node image'} does not start as a node. Is it one of kind's (kindest/node:…)? {todo}"
    elif "already exist" in text:
        todo = f"Another cluster has that name: kind delete cluster --name {cluster}"
    return StartFailed("kind could not create the cluster.", why=_reason(lines), todo=todo)


def _reason(lines: Sequence[str]) -> str:
    for line in reversed(lines):
        if match := _KUBEADM_FAILED.match(line):
            return match[1]
    # Where another command failed, its own output says more than the command.
    for beginning in (_OUTPUT, _ERROR, ""):
        for line in lines if beginning else lines[-1:]:
            if line.startswith(beginning):
                return line.removeprefix(beginning)
    return ""
