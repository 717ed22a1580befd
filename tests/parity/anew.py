"""Ask a real server of any version everything again: its recordings, and how our answers differ."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kube_embedded.machinery.releases import RELEASES
from tests.parity import record, servers
from tests.parity.compare import Difference, differences
from tests.parity.model import steps
from tests.parity.transport import Call, Credential, Transport

JSON = {"Accept": "application/json"}
PASSING = ("events", "leases")
"""Kinds whose objects come and go by themselves."""


def _get(transport: Transport, path: str) -> Any:
    return transport.send(Credential(admin=True), Call("GET", path, JSON)).decoded()


def _collections(transport: Transport) -> Iterator[tuple[str, str, bool]]:
    groups = _get(transport, "/apis")["groups"]
    roots = [f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups]
    for root in ["/api/v1", *roots]:
        for resource in _get(transport, root).get("resources", []):
            if {"list", "delete"} <= set(resource["verbs"]) and resource["name"] not in PASSING:
                yield root, resource["name"], resource["namespaced"]


def objects(transport: Transport) -> set[str]:
    """Return the paths of the objects that a cluster has."""
    found = set()
    for root, plural, namespaced in _collections(transport):
        for item in _get(transport, f"{root}/{plural}").get("items") or []:
            metadata = item["metadata"]
            place = f"namespaces/{metadata['namespace']}/" if namespaced else ""
            found.add(f"{root}/{place}{plural}/{metadata['name']}")
    return found


def sweep(transport: Transport, before: set[str], seconds: float = 60.0) -> set[str]:
    """Delete the objects that were not there before, and return those that stay longer than ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        left = objects(transport) - before
        if not left or time.monotonic() > deadline:
            return left
        for path in sorted(left):
            call = Call("DELETE", f"{path}?gracePeriodSeconds=0", JSON)
            transport.send(Credential(admin=True), call)
        time.sleep(0.2)


def era_of(server: str) -> str:
    """Return the version of ours that is compared with a server, such as ``kube-apiserver v1.37.2``."""
    minor = ".".join(server.rpartition("v")[2].split(".")[:2])
    return minor if minor in RELEASES else "now"


def needs_authority(suite: str) -> bool:
    """Return whether a suite has users of its own, for whom certificates are signed."""
    return any(step.request["as"].startswith("user:") for step in steps(suite))


def compare(theirs: dict[str, Any], patience_seconds: float = 1.0) -> list[Difference]:
    """Ask the embedded server the same, as the same version, and return how its answers differ."""
    with servers.in_process(era_of(theirs["server"])) as transport:
        ours = record.suite(theirs["suite"], transport, patience_seconds=patience_seconds)
    return [
        difference
        for real, own in zip(theirs["steps"], ours["steps"], strict=True)
        for difference in differences(
            f"{theirs['suite']}/{real.get('id', real.get('n', ''))}",
            real["response"],
            own["response"],
        )
    ]


def ask(suite: str, transport: Transport, out: Path) -> tuple[list[Difference], set[str]]:
    """Record one suite below a folder of its version, and delete what it made.

    Returns:
        The differences of our answers, and the objects that could not be deleted.
    """
    before = objects(transport)
    try:
        theirs = record.suite(suite, transport)
    finally:
        left = sweep(transport, before)
    record.write([theirs], out / theirs["server"].rpartition(" ")[2])
    return compare(theirs), left
