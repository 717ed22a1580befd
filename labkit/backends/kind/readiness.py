"""Wait until a real cluster can be used, which is later than its node's Ready condition.

``STEPS`` lists the conditions in the order in which a new cluster reaches them. The last is
that a pod of the lab runs and resolves a name.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from labkit.client.client import Client
from labkit.client.exec.command import run
from labkit.client.pods import is_ready
from labkit.core.errors import LabkitError, StartFailed
from labkit.core.language import text

from .. import podimage
from ..base import Report

READY_SECONDS = 900.0
"""Slow machines need this long to unpack images."""
STILL_SECONDS = 30.0
"""The time after which a wait is reported again."""
POLL_SECONDS = 0.5

DEFAULT = "/api/v1/namespaces/default"
PROBE = "labkit-ready"

STEPS: list[tuple[str, Callable[[Client], bool]]] = [
    (text("the API server"), lambda client: exists(client, "/readyz")),
    (text("the node"), lambda client: all_ready(client, "/api/v1/nodes")),
    (
        text("the default service account"),
        lambda client: exists(client, f"{DEFAULT}/serviceaccounts/default"),
    ),
    (
        text("the system's pods"),
        lambda client: all_ready(client, "/api/v1/namespaces/kube-system/pods"),
    ),
    (text("a pod with working DNS"), lambda client: pod_runs(client)),
]


def wait(client: Client, todo: str, report: Report, *, seconds: float = READY_SECONDS) -> None:
    """Wait until every step holds.

    Raises:
        StartFailed: When a step does not hold in time; ``todo`` is its advice.
    """
    deadline = time.monotonic() + seconds
    for what, holds in STEPS:
        if holds(client):
            continue
        report(text("  … {what}", what))
        begun = reported = time.monotonic()
        while not holds(client):
            if time.monotonic() > reported + STILL_SECONDS:
                reported = time.monotonic()
                report(text("  … {what}, still ({begun} s)", what, f"{reported - begun:.0f}"))
            if time.monotonic() > deadline:
                raise StartFailed(
                    text("The cluster is not usable: it still waits for {what}.", what),
                    why=text("waited {seconds} s", f"{seconds:g}"),
                    todo=todo,
                )
            time.sleep(POLL_SECONDS)
    # It has to be gone before creation.create lists the objects that a reset does not delete.
    client.delete(f"{DEFAULT}/pods/{PROBE}", query={"gracePeriodSeconds": "0"})


def exists(client: Client, path: str) -> bool:
    """Return whether a path can be read; also False while the server does not answer."""
    with suppress(LabkitError):
        return client.get(path).ok
    return False


def all_ready(client: Client, path: str) -> bool:
    """Return whether there are objects at a path, and all have the condition Ready."""
    with suppress(LabkitError):
        found = client.get(path).items
        # A new cluster has no nodes and no system pods at first.
        return bool(found) and all(map(is_ready, found))
    return False


def pod_runs(client: Client) -> bool:
    """Create the probe, a pod of the lab's image; return whether it runs and resolves the API server's name."""
    path = f"{DEFAULT}/pods/{PROBE}"
    if not exists(client, path):
        with suppress(LabkitError):
            client.post(f"{DEFAULT}/pods", _probe())
    if not all_ready(client, path):
        return False
    with suppress(LabkitError):
        name = "kubernetes.default.svc.cluster.local"
        # getent resolves names like most programs, by the C library with /etc/nsswitch.conf.
        return run(client, f"default/{PROBE}", ["getent", "hosts", name]).ok
    return False


def _probe() -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": "main",
        "image": podimage.IMAGE,
        "command": ["sleep", "600"],
        "imagePullPolicy": "IfNotPresent",
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": PROBE}, "spec": spec}
