"""Run the program kind: its node image, its configuration, ``kind create cluster`` and its failures.

If a command in the node fails, kind prints all of its output, which for kubeadm is hundreds of
lines. They are written to a file, and the learner sees only the line with the reason.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from labkit.core import resources
from labkit.core.errors import Missing, StartFailed
from labkit.core.home import write_private
from labkit.core.language import text

from ..base import Report
from ..engine import Engine, call, follow
from .cluster import KindCluster

PULL_SECONDS = 1800.0

EXPORT_SECONDS = 60.0
"""The time limit for writing the nodes' logs."""

CGROUP_V1_PATCH = """\
- |
  kind: KubeletConfiguration
  apiVersion: kubelet.config.k8s.io/v1beta1
  failCgroupV1: false
"""
"""Since 1.35 a kubelet does not start on cgroup v1 unless it is configured so."""

_ERROR = "ERROR: "
_OUTPUT = "Command Output: "
_KUBEADM_FAILED = re.compile(r"(?:error: )?(error execution phase .+)")
"""kubeadm's line with the reason of its failure; a stack trace can follow it."""


def ensure_node_image(engine: Engine, image: str, report: Report) -> None:
    """Pull the chosen node image if it is not here; kind pulls its own by itself.

    Raises:
        Missing: When the image is not here and cannot be pulled.
    """
    if not image or engine.has_image(image):
        return
    report(text("Pulling the node image {image} …", image))
    done = engine.run("pull", "--quiet", image, timeout_seconds=PULL_SECONDS)
    if not done.ok:
        raise Missing(
            text("The node image {image} is not here and cannot be pulled.", image),
            why=done.last_words,
            todo=text(
                "Check its name and the network, or load it from a file: {program} load -i FILE",
                engine.program,
            ),
        )


def write_config(directory: Path, cgroup_version: str) -> None:
    """Write kind's configuration and the API server's audit policy."""
    source = resources.clusters() / "kind"
    text = (source / "lab.yaml").read_text(encoding="utf-8")
    if cgroup_version == "1":
        # lab.yaml ends with the list of patches, so that text at its end is one more of them.
        text = f"{text.rstrip()}\n{CGROUP_V1_PATCH}"
    write_private(directory / "lab.yaml", text)
    policy = (source / "audit-policy.yaml").read_text(encoding="utf-8")
    write_private(directory / "audit-policy.yaml", policy)


def create_cluster(cluster: KindCluster, engine: Engine, image: str, report: Report) -> None:
    """Run ``kind create cluster`` with its own output as progress.

    It runs in the configuration's directory; its output is written there when it fails.

    Args:
        cluster: The cluster to create.
        engine: The container engine.
        image: The node image; empty for kind's own.
        report: Takes kind's lines.

    Raises:
        StartFailed: When kind fails.
    """
    command = ["kind", "create", "cluster", "--name", cluster.name, "--config", "lab.yaml"]
    command += ["--kubeconfig", str(cluster.config_file), *(["--image", image] if image else [])]
    environment = {**os.environ, **engine.environment}
    environment.pop("KUBECONFIG", None)
    # In this directory, because lab.yaml names the audit policy by a relative path.
    code, lines = follow(
        command, _without_command_output(report), cwd=cluster.directory, env=environment
    )
    if code:
        log = cluster.directory / "creation.log"
        write_private(log, "\n".join(lines) + "\n")
        raise failed(lines, log, image, cluster.name)


def export_logs(cluster: KindCluster) -> None:
    """Write the nodes' logs into the state directory, as far as there are nodes.

    Args:
        cluster: A cluster that will be deleted.
    """
    if not cluster.is_unfinished():
        return
    command = ["kind", "export", "logs", "--name", cluster.name, str(cluster.logs)]
    # Best effort: the reason for the failure is reported with or without them.
    call(command, timeout_seconds=EXPORT_SECONDS, env=cluster.environment)


def _without_command_output(report: Report) -> Report:
    """Return a report without a failed command's output, which kind prints last."""
    over = False

    def progress(line: str) -> None:
        nonlocal over
        over = over or line.strip().startswith(_OUTPUT)
        if not over:
            report(line)

    return progress


def failed(lines: Sequence[str], log: Path, image: str, cluster: str) -> StartFailed:
    """Return the error for a failed creation, from kind's whole output, which is stored in ``log``."""
    content = "\n".join(lines).lower()
    todo = text(
        "kind's whole output: {log}. `labkit doctor` looks at this machine; `labkit up "
        "--backend embedded` needs no Docker.",
        log,
    )
    if "pull" in content and ("image" in content or "manifest" in content):
        name = image or text("kind's node image")
        todo = text(
            "{name} is not here and cannot be pulled. Check the network, load it (docker "
            "load -i FILE), or name one that is here: --image or LABKIT_KIND_IMAGE.",
            name,
        )
    elif "could not find a log line" in content:
        todo = text(
            "{image} does not start as a node. Is it one of kind's (kindest/node:…)? {todo}",
            image or text("The node image"),
            todo,
        )
    elif "already exist" in content:
        todo = text("Another cluster has that name: kind delete cluster --name {cluster}", cluster)
    return StartFailed("kind could not create the cluster.", why=_reason(lines), todo=todo)


def _reason(lines: Sequence[str]) -> str:
    """Return the line with the reason: kubeadm's, the failed command's first, kind's error, or the last one."""
    for line in reversed(lines):
        if match := _KUBEADM_FAILED.match(line):
            return match[1]
    for beginning in (_OUTPUT, _ERROR, ""):
        for line in lines if beginning else lines[-1:]:
            if line.startswith(beginning):
                return line.removeprefix(beginning)
    return ""
