"""The access matrix of ten subjects and forty permissions, over TLS."""

from __future__ import annotations

import time
from pathlib import Path

from kube_embedded.rbac.subjects import subject
from labkit.lab.lab import Lab
from labkit.rbac.matrix import Permission, access_matrix

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
RESOURCES = ("pods", "services", "secrets", "configmaps", "deployments.apps")
SUBJECTS = ("kikai/default", "darbo/default", *(f"kikai/bot-{number}" for number in range(8)))


def seconds(home: Path, rounds: int = 15) -> tuple[float, list[float]]:
    """How long the matrix takes: the first one (new connections), and each later one.

    Args:
        home: An empty directory for a cluster.
        rounds: How many later ones.
    """
    lab = Lab("embedded", home=home, say=lambda _line: None)
    try:
        api = lab.admin.without_observers()
        people = [subject(name) for name in SUBJECTS]
        permissions = [
            Permission.parse(f"{verb} {resource}") for resource in RESOURCES for verb in VERBS
        ]
        times = []
        for _ in range(rounds + 1):
            begun = time.perf_counter()
            access_matrix(api, people, permissions, "kikai")
            times.append(time.perf_counter() - begun)
        return times[0], times[1:]
    finally:
        lab.stop()
