"""Commands in pods, kubectl about pods, and the pods as the API shows them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from kube_embedded.tests.support.server import Server
from tests.parity.kubectl import Shell, recorded
from tests.parity.masks import mask
from tests.parity.model import load
from tests.parity.section import Section, of_commands
from tests.parity.text import mask_output

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

SETTLED: Mapping[str, Callable[[dict[str, Any]], bool]] = {
    "crash": lambda status: status.get("restartCount", 0) >= 2,
    "done": lambda status: "terminated" in status.get("state", {}),
    "bad-image": lambda status: (
        status.get("state", {}).get("waiting", {}).get("reason") == "ImagePullBackOff"
    ),
}
"""How the pods that do not just run must look before they are compared."""


PATIENCE_SECONDS = 45.0
"""How long a pod that crashes, or waits for its image, may take to be once more in the state it was
recorded in: it changes every few seconds, and a busy machine may look too late."""


def until_alike(expected: Mapping[str, Any], ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Ask until the answer is the recorded one, or no longer; the last answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (got := ask()) != expected and time.monotonic() < deadline:
        time.sleep(0.5)
    return got


def manifests() -> list[dict[str, Any]]:
    """Create the objects of the recorded cluster: two namespaces, an account, the pods."""
    recording = load("pods")
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in ("kikai", "darbo")
    ]
    objects.append(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "kikai", "namespace": "default"},
        }
    )
    objects += [
        json.loads(pod["metadata"]["annotations"][APPLIED]) for pod in recording["objects"].values()
    ]
    for namespace in ("kikai", "darbo"):
        main = {
            "name": "main",
            "image": "ubuntu:latest",
            "command": ["sleep", "9999999"],
            "imagePullPolicy": "IfNotPresent",
        }
        ambassador = {
            "name": "ambassador",
            "image": "kubectl-proxy:lab",
            "imagePullPolicy": "IfNotPresent",
        }
        objects.append(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "test", "namespace": namespace},
                "spec": {"containers": [main, ambassador]},
            }
        )
    return objects


def prepare(server: Server, patience_seconds: float = 20.0) -> Shell:
    """Create the pods with ``kubectl apply`` and wait until they look as recorded.

    Returns:
        A shell that masks this cluster's node and pods.
    """
    shell = Shell(server)
    for item in manifests():
        done = shell.raw(["kubectl", "apply", "-f", "-"], json.dumps(item))
        if done.returncode != 0:
            raise RuntimeError(f"{item['kind']} {item['metadata']['name']}: {done.stderr}")
    deadline = time.monotonic() + patience_seconds
    while not all(settled(pod) for pod in listed(shell, "pods")) and time.monotonic() < deadline:
        time.sleep(0.1)
    return Shell(server, names_of(shell))


def settled(pod: dict[str, Any]) -> bool:
    """Return whether a pod is in its recorded state."""
    statuses = pod["status"].get("containerStatuses", [])
    if not statuses:
        return False
    special = SETTLED.get(pod["metadata"]["name"])
    return special(statuses[0]) if special else all(status.get("ready") for status in statuses)


def listed(shell: Shell, resource: str) -> list[dict[str, Any]]:
    """All objects of a resource, in every namespace."""
    items: list[dict[str, Any]] = json.loads(
        shell.raw(["kubectl", "get", resource, "-A", "-o", "json"]).stdout
    )["items"]
    return items


def names_of(shell: Shell) -> dict[str, str]:
    """The cluster's own names for what the recording masks."""
    names: dict[str, str] = {}
    for pod in listed(shell, "pods"):
        if pod["status"].get("podIP"):
            names[pod["status"]["podIP"]] = "<pod ip>"
    for node in listed(shell, "nodes"):
        for address in node["status"].get("addresses", []):
            if address["type"] == "InternalIP":
                names[address["address"]] = "<node ip>"
        names[node["metadata"]["name"]] = "<node>"
    return names


def run_exec(shell: Shell) -> Section:
    """The commands in containers, through ``kubectl exec``."""
    pairs = []
    for number, entry in enumerate(load("pods")["exec"]):
        namespace, _, name = entry["pod"].partition("/")
        command = [
            "kubectl",
            "exec",
            "-n",
            namespace,
            name,
            "-c",
            entry["container"],
            "--",
            "bash",
            "-c",
            entry["cmd"],
        ]
        label = f"exec/{number + 1:03} {entry['pod']} {entry['cmd'][-70:]}"
        pairs.append((label, recorded(entry), shell.run(command)))
    return of_commands("pods: exec", "Commands in running containers, through kubectl exec.", pairs)


def run_api(shell: Shell) -> Section:
    """kubectl's commands about pods, and the pods as JSON."""
    pairs = []
    for number, entry in enumerate(load("pods")["api"]):
        words = entry["cmd"].split(" ")
        if "-- sh -c exit 7" in entry["cmd"]:
            words = [*entry["cmd"].split(" ", 6)[:6], "exit 7"]
        expected = recorded(entry)
        got = until_alike(expected, partial(shell.run, words))
        pairs.append((f"api/{number + 1:03} {entry['cmd'][:90]}", expected, got))
    return of_commands("pods: api", "kubectl commands about those pods.", pairs)


def run_objects(shell: Shell) -> Section:
    """The pods as the API shows them."""
    pairs = []

    def shown(name: str) -> dict[str, Any]:
        got = json.loads(shell.raw(["kubectl", "get", "pod", name, "-o", "json"]).stdout or "{}")
        return {"object": masked(got, shell.names)}

    for name, pod in load("pods")["objects"].items():
        expected = {"object": masked(pod, {})}
        pairs.append((f"pod/{name}", expected, until_alike(expected, partial(shown, name))))
    return of_commands("pods: objects", "The pods as the API shows them.", pairs)


def masked(pod: dict[str, Any], names: Mapping[str, str]) -> Any:
    """A pod's JSON with every string masked as command output is, and no counts of restarts."""

    def tidy(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: tidy(name, item) for name, item in value.items()}
        if isinstance(value, list):
            return [tidy(key, item) for item in value]
        if key == "restartCount" and value:
            return "<n>"
        return mask_output(value, names) if isinstance(value, str) else value

    return tidy("", mask(pod))
