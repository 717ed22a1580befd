"""List and delete the objects that a learner may have created on a real cluster.

A reset deletes every object that was not in the inventory of the new cluster.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from labkit.client.client import Client, failure
from labkit.core.errors import ApiFailure

RBAC = "/apis/rbac.authorization.k8s.io/v1"

CLUSTER_SCOPED = (
    f"{RBAC}/clusterrolebindings",
    f"{RBAC}/clusterroles",
    "/api/v1/persistentvolumes",
    "/api/v1/namespaces",
)
"""Collections of a learner's cluster-scoped objects, in the order to delete them."""

NAMESPACED = (
    f"{RBAC}/rolebindings",
    f"{RBAC}/roles",
    "/api/v1/pods",
    "/api/v1/services",
    "/api/v1/persistentvolumeclaims",
    "/api/v1/secrets",
    "/api/v1/configmaps",
    "/api/v1/serviceaccounts",
)
"""Collections of a learner's namespaced objects, in the order to delete them."""

SYSTEM = ("kube-", "local-path-storage")
"""Prefixes of the namespaces whose objects are the cluster's own."""

GONE_SECONDS = 120.0


def inventory(client: Client, selector: str = "") -> list[str]:
    """The paths of all objects that a learner may have created, in the order to delete them.

    Collections that the caller may not list are skipped.
    """
    found: list[str] = []
    for path in (*NAMESPACED, *CLUSTER_SCOPED):
        prefix, _, plural = path.rpartition("/")
        for entry in _items(client, path, selector):
            meta = entry["metadata"]
            namespace = meta.get("namespace")
            if namespace and namespace.startswith(SYSTEM):
                continue
            where = f"{prefix}/namespaces/{namespace}/{plural}" if namespace else path
            found.append(f"{where}/{meta['name']}")
    return found


def remove(client: Client, paths: Iterable[str]) -> list[str]:
    """Delete those objects that exist, wait until they are gone, and return their paths.

    Raises:
        ApiFailure: When one cannot be deleted, or is still there after the timeout.
    """
    gone: list[str] = []
    paths = list(paths)
    namespaces = {f"{p}/" for p in paths if _is_namespace(p)}
    for path in paths:
        inside = any(path.startswith(namespace) for namespace in namespaces)
        if inside and "/pods/" not in path:
            continue
        # The grace period of 30 seconds would only delay the deletion.
        answer = client.delete(path, query={"gracePeriodSeconds": "0"} if "/pods/" in path else None)
        if answer.ok:
            gone.append(path)
        elif answer.status not in (404, 409):
            raise failure(answer.status, answer.body, f"{path} cannot be deleted.")
    _wait_until_gone(client, gone)
    return gone


def _wait_until_gone(client: Client, paths: Iterable[str]) -> None:
    deadline = time.monotonic() + GONE_SECONDS
    for path in paths:
        while (answer := client.get(path)).status == 200:
            if time.monotonic() > deadline:
                raise ApiFailure(
                    answer.status,
                    "Timeout",
                    f"{path} was deleted and is still there after {GONE_SECONDS:g} s.",
                    todo="Its finalizers may wait for something: `kubectl get -o yaml` shows them.",
                )
            time.sleep(0.1)


def _items(client: Client, path: str, selector: str) -> Iterator[dict[str, Any]]:
    query = {"labelSelector": selector} if selector else None
    answer = client.get(path, query=query)
    if answer.ok:
        yield from answer.items
    elif answer.status not in (403, 404):
        raise failure(answer.status, answer.body, f"{path} cannot be read.")


def _is_namespace(path: str) -> bool:
    parts = path.strip("/").split("/")
    return len(parts) == 4 and parts[2] == "namespaces"
