"""Ask a server of this process what the official pages claim, with examples of our own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kube_embedded.tests.support.cluster import Caller, ClusterApi, Reply

FILE = Path(__file__).with_name("questions.yaml")
MASTERS = "admin+system:masters"


def questions() -> list[dict[str, Any]]:
    """Return the entries of ``questions.yaml``."""
    entries: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return entries


def name(entry: dict[str, Any]) -> str:
    """Return the page and the heading of an entry."""
    return f"{Path(entry['path']).stem}: {entry['at']}"


def documents(text: str) -> list[dict[str, Any]]:
    """Return the objects of a text in YAML."""
    return [document for document in yaml.safe_load_all(text) if document]


def _namespaces(manifest: dict[str, Any]) -> Iterator[str]:
    subjects = manifest.get("subjects") or []
    for place in (manifest.get("metadata", {}), *subjects):
        if place.get("namespace"):
            yield place["namespace"]


def collection(api: ClusterApi, manifest: dict[str, Any]) -> str:
    """Return the path to which a manifest is posted.

    Raises:
        LookupError: The server does not serve its kind.
    """
    version = manifest["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    reply = api.admin.get(root)
    for resource in reply.body["resources"] if reply.status == 200 else ():
        if resource["kind"] == manifest["kind"] and "/" not in resource["name"]:
            space = manifest.get("metadata", {}).get("namespace", "default")
            place = f"namespaces/{space}/" if resource["namespaced"] else ""
            return f"{root}/{place}{resource['name']}"
    raise LookupError(f"the server does not serve {manifest['kind']} of {version}")


def apply(api: ClusterApi, manifest: dict[str, Any]) -> Reply:
    """Write an object as the administrator, and first the namespaces that it names; raises as ``collection``."""
    for space in _namespaces(manifest):
        api.admin.post("/api/v1/namespaces", {"metadata": {"name": space}})
    path = collection(api, manifest)
    reply = api.admin.post(path, manifest)
    if reply.status != 409:
        return reply
    return api.admin.call(
        "PATCH",
        f"{path}/{manifest['metadata']['name']}",
        manifest,
        headers={"content-type": "application/merge-patch+json"},
    )


def caller(api: ClusterApi, who: str) -> Caller:
    """Return the caller that a question names, such as ``hana>mina+bakers`` or ``sa:office:deputy``."""
    first, _, target = who.partition(">")
    user, *groups = first.split("+")
    if user == "anonymous":
        asking = api.anonymous
    elif user.startswith("sa:"):
        asking = api.account(*user.split(":")[1:])
    else:
        asking = api.user(user, *groups)
    return asking.as_user(*target.split("+")) if target else asking


def ask(api: ClusterApi, question: str, body: Any = None) -> tuple[int, Reply]:
    """Send the request of a question.

    Returns:
        The status that is expected, and the answer.
    """
    match = re.fullmatch(r"(\d+) (\S+) (\S+) (\S+)(?: (.+))?", question, re.DOTALL)
    assert match, question
    status, who, method, path, text = match.groups()
    if text is not None:
        body = json.loads(text)
    kind = "merge-patch+json" if method == "PATCH" else "json"
    reply = caller(api, who).call(
        method, path, body, headers={"content-type": f"application/{kind}"}
    )
    return int(status), reply
