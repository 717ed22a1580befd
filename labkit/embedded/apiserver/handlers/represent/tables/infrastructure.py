"""Certificates, storage drivers, runtimes, service addresses."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.tables.model import Cells, printer
from labkit.embedded.apiserver.handlers.represent.tables.text import NONE, UNSET, age
from labkit.embedded.machinery.request import Object


@printer("certificatesigningrequests.certificates.k8s.io")
def _signing_request(obj: Object, now: float) -> Cells:
    status = obj.get("status") or {}
    types = {condition.get("type") for condition in status.get("conditions") or ()}
    words = ["Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"]
    if "Failed" in types:
        words.append("Failed")
    if status.get("certificate"):
        words.append("Issued")
    return [",".join(words)]


@printer("csidrivers.storage.k8s.io")
def _driver(obj: Object, now: float) -> Cells:
    tokens = (obj.get("spec") or {}).get("tokenRequests")
    return [UNSET if tokens is None else ",".join(each.get("audience", "") for each in tokens)]


@printer("ipaddresses.networking.k8s.io")
def address(obj: Object, now: float) -> Cells:
    """An IP address's row: its parent, and its age, for which the real server has no column."""
    parent = (obj.get("spec") or {}).get("parentRef")
    if not parent:
        return [NONE, age(obj, now)]
    group = f".{parent['group']}" if parent.get("group") else ""
    parts = [f"{parent.get('resource', '')}{group}".lower(), parent.get("namespace"), parent.get("name")]
    return ["/".join(part for part in parts if part), age(obj, now)]
