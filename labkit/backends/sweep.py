"""List and delete the objects that a learner can create on a real cluster.

Collections are found through discovery, so that no kind is forgotten: a forgotten deployment would
replace deleted pods again and again.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from labkit.client.client import NOT_READY, Client
from labkit.client.discovery import group_versions, resource_entries, version_path
from labkit.core.errors import ApiFailure
from labkit.core.language import text

AUTOMATIC = frozenset(
    {"events", "endpoints", "endpointslices", "ipaddresses", "csinodes", "volumeattachments"}
)
"""Resources that the cluster itself creates, and removes with their owners."""

OWNERS = ("/apis/apps/", "/apis/batch/")
"""The objects of these groups replace their pods as long as they exist, so they are deleted before the pods."""

GONE_SECONDS = 120.0
QUIET_SECONDS = 2.0
"""The time after which a wait is reported."""


def inventory(client: Client, selector: str = "", kept: Collection[str] = ()) -> list[str]:
    """Return the paths of a cluster's objects, in the order to delete them.

    Collections that the caller has no right to list are skipped.

    Args:
        client: The caller.
        selector: A label selector; without one, all objects.
        kept: Paths to leave out, with all objects that their controllers made, such as a deployment's pods.
    """
    entries = [
        entry
        for path in sorted(_collections(client), key=_rank)
        for entry in _items(client, path, selector)
    ]
    # Nodes, because they own the mirror pods of the control plane's static pods.
    keeping = {uid for path, uid, _ in entries if path in kept or path.startswith("/api/v1/nodes/")}
    rest = [entry for entry in entries if entry[1] not in keeping]
    # Repeated, because a deployment owns replica sets, and those own the pods.
    while made := {uid for _, uid, owners in rest if owners & keeping}:
        keeping |= made
        rest = [entry for entry in rest if entry[1] not in made]
    return [path for path, _, _ in rest]


def in_order(paths: Iterable[str]) -> list[str]:
    """Return objects' paths in the order to delete them."""
    return sorted(paths, key=lambda path: _rank(path.rpartition("/")[0]))


def remove(
    client: Client, paths: Iterable[str], report: Callable[[str], None] = lambda _line: None
) -> list[str]:
    """Delete those objects that exist, wait until they and their dependents are gone, and return their paths.

    Args:
        client: The caller.
        paths: Paths in the order of ``inventory``.
        report: Called with a line of progress when it takes long.

    Raises:
        ApiFailure: When one cannot be deleted, or is still there after the timeout.
    """
    gone: list[str] = []
    paths = list(paths)
    namespaces = {f"{p}/" for p in paths if _is_namespace(p)}
    for path in paths:
        inside = any(path.startswith(namespace) for namespace in namespaces)
        # The namespace's deletion removes its other objects of the core group. Pods are deleted before it, because
        # it would wait for their grace periods. Objects of other groups, such as deployments, are not below the
        # namespace's own path: they are deleted too, and the owners of pods before these, by the order of the paths.
        if inside and "/pods/" not in path:
            continue
        answer = client.delete(path, query=_manner(path))
        if answer.ok:
            gone.append(path)
        # 404: its owner is gone, and it with it. 409: a namespace is being deleted already.
        elif answer.status not in (404, 409):
            answer.raise_for_status(text("{path} cannot be deleted.", path))
    _wait_until_gone(client, gone, report)
    return gone


def _manner(path: str) -> dict[str, str] | None:
    """Return how to delete an object: pods without their grace period of 30 seconds, owners after their dependents."""
    if "/pods/" in path:
        return {"gracePeriodSeconds": "0"}
    # With the default, Background, the owner would be gone while its pods still run.
    return {"propagationPolicy": "Foreground"} if path.startswith(OWNERS) else None


def _wait_until_gone(client: Client, paths: Collection[str], report: Callable[[str], None]) -> None:
    begun = time.monotonic()
    told = False
    for path in paths:
        while (answer := client.get(path)).status == 200:
            waited = time.monotonic() - begun
            if waited > QUIET_SECONDS and not told:
                told = True
                report(text("Waiting until {path} and what comes after it are gone …", path))
            if waited > GONE_SECONDS:
                raise ApiFailure(
                    answer.status,
                    "Timeout",
                    text(
                        "{path} was deleted and is still there after {seconds} s.",
                        path,
                        f"{GONE_SECONDS:g}",
                    ),
                    todo="Its finalizers may wait for something: `kubectl get -o yaml` shows them.",
                )
            time.sleep(0.1)


def _collections(client: Client) -> Iterator[str]:
    """Yield the paths of all collections whose objects can be listed and deleted, in the preferred versions."""
    for version in group_versions(client):
        for entry in resource_entries(client, version):
            name = entry["name"]
            if (
                "/" not in name
                and {"list", "delete"} <= set(entry["verbs"])
                and name not in AUTOMATIC
            ):
                yield f"{version_path(version)}/{name}"


def _rank(path: str) -> int:
    """Return the rank of a collection in the order of deletion: webhooks first, namespaces last."""
    plural = path.rpartition("/")[2]
    # Webhooks and policies could refuse the deletions that follow.
    if path.startswith("/apis/admissionregistration.k8s.io/"):
        return 0
    if path.startswith(OWNERS):
        return 1
    late = ("persistentvolumes", "customresourcedefinitions", "namespaces")
    if plural in late:
        return 4 + late.index(plural)
    return 2 if plural == "pods" else 3


def _items(client: Client, path: str, selector: str) -> Iterator[tuple[str, str, set[str]]]:
    """Yield each object of a collection: its path, its uid, and the uids of its owners."""
    # Without a limit a list comes in one piece, whatever its length.
    query = {"labelSelector": selector} if selector else None
    answer = client.get(path, query=query)
    # 503: the server behind an APIService is gone; not ready: what no version can read goes with its definition.
    if answer.status not in (403, 404, 405, 503) and NOT_READY not in answer.message:
        answer.raise_for_status(text("{path} cannot be read.", path))
    prefix, _, plural = path.rpartition("/")
    for entry in answer.items if answer.ok else ():
        meta: dict[str, Any] = entry["metadata"]
        where = (
            f"{prefix}/namespaces/{meta['namespace']}/{plural}" if meta.get("namespace") else path
        )
        owners = {owner["uid"] for owner in meta.get("ownerReferences") or ()}
        yield f"{where}/{meta['name']}", str(meta.get("uid")), owners


def _is_namespace(path: str) -> bool:
    parts = path.strip("/").split("/")
    return len(parts) == 4 and parts[2] == "namespaces"
