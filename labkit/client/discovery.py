"""Where an object's path comes from: the cluster's discovery says what it serves.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.client.client import Client, failure
from labkit.core.errors import UsageError, near

GROUPS = 'lab.admin.get("/apis") lists the groups and versions.'


class Resources:
    """Finds the path of an object, by asking the cluster what it serves.

    Args:
        client: Who asks. Answers are kept.
    """

    def __init__(self, client: Client) -> None:
        self._client = client.without_observers()
        self._known: dict[str, dict[str, tuple[str, bool]]] = {}

    def collection(self, manifest: Mapping[str, Any]) -> str:
        """The path of the list an object belongs to.

        Args:
            manifest: The object, with apiVersion and kind.

        Raises:
            UsageError: When the cluster serves no such kind.
            ApiFailure: When the cluster does not say.
        """
        version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
        kinds = self._kinds(version)
        if kind not in kinds:
            what = f"The cluster serves no {kind} in {version}." if kinds else f"The cluster does not serve {version}."
            raise UsageError(what, todo=self._elsewhere(kind) or near(kind, kinds) or GROUPS)
        plural, namespaced = kinds[kind]
        prefix = _prefix(version)
        if not namespaced:
            return f"{prefix}/{plural}"
        namespace = (manifest.get("metadata") or {}).get("namespace") or "default"
        return f"{prefix}/namespaces/{namespace}/{plural}"

    def path(self, manifest: Mapping[str, Any]) -> str:
        """The path of an object."""
        return f"{self.collection(manifest)}/{manifest['metadata']['name']}"

    def _kinds(self, version: str) -> dict[str, tuple[str, bool]]:
        """The kinds of a version, with plural and whether they live in namespaces; empty where it is not served."""
        if version not in self._known:
            answer = self._client.get(_prefix(version))
            if answer.status == 404:
                return {}
            if not answer.ok:
                raise failure(answer.status, answer.body, f"The cluster does not say what {version} holds.")
            self._known[version] = {
                entry["kind"]: (entry["name"], bool(entry["namespaced"]))
                for entry in answer.body.get("resources", [])
                if "/" not in entry["name"]
            }
        return self._known[version]

    def _elsewhere(self, kind: str) -> str:
        """Where a kind is that was looked for in the wrong group or version, as a sentence."""
        groups = self._client.get("/apis")
        preferred = [group["preferredVersion"]["groupVersion"] for group in groups.body["groups"]] if groups.ok else []
        found = next((version for version in ("v1", *preferred) if kind in self._kinds(version)), "")
        return f"{kind} is served in {found}: write apiVersion: {found}." if found else ""


def _prefix(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
