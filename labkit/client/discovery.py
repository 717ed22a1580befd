"""Find the path of an object's resource with the discovery API.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from collections.abc import Mapping
from typing import Any

from labkit.core.errors import UsageError, near
from labkit.core.language import text

from .client import Client

GROUPS = text('lab.admin.get("/apis") lists the groups and versions.')


class Resources:
    """Paths of objects, from the resource lists of the groups that the cluster serves, which are cached."""

    def __init__(self, client: Client) -> None:
        self._client = client.without_observers()
        self._known: dict[str, dict[str, tuple[str, bool]]] = {}

    def collection(self, manifest: Mapping[str, Any]) -> str:
        """Return the path of an object's collection, from its apiVersion, kind and namespace.

        Raises:
            UsageError: When the cluster serves no such kind.
            ApiFailure: When the resource list cannot be read.
        """
        version = str(manifest["apiVersion"])
        kind = str(manifest["kind"])
        kinds = self._kinds(version)
        if kind not in kinds:
            what = (
                text("The cluster serves no {kind} in {version}.", kind, version)
                if kinds
                else text("The cluster does not serve {version}.", version)
            )
            raise UsageError(what, todo=self._elsewhere(kind) or near(kind, kinds) or GROUPS)
        plural, namespaced = kinds[kind]
        prefix = version_path(version)
        if not namespaced:
            return f"{prefix}/{plural}"
        # As kubectl does with a context that names no namespace.
        namespace = (manifest.get("metadata") or {}).get("namespace") or "default"
        return f"{prefix}/namespaces/{namespace}/{plural}"

    def path(self, manifest: Mapping[str, Any]) -> str:
        """Return the path of an object."""
        return f"{self.collection(manifest)}/{manifest['metadata']['name']}"

    def served(self) -> dict[tuple[str, str], bool]:
        """Return whether each resource and subresource is namespaced, by (API group, name); in preferred versions."""
        return {
            (version.rpartition("/")[0], name): namespaced
            for version in group_versions(self._client)
            for name, (_kind, namespaced) in self._resources(version).items()
        }

    def _kinds(self, version: str) -> dict[str, tuple[str, bool]]:
        """Return the plural of each kind of a group version, and whether it is namespaced; empty if not served."""
        found = self._resources(version).items()
        return {kind: (name, namespaced) for name, (kind, namespaced) in found if "/" not in name}

    def _resources(self, version: str) -> dict[str, tuple[str, bool]]:
        """Return the resources and subresources of a group version by name: the kind, and whether it is namespaced."""
        if version not in self._known:
            answer = self._client.get(version_path(version))
            # Not cached: the group version can be added later, with a CustomResourceDefinition.
            if answer.status == 404:
                return {}
            answer.raise_for_status(text("The cluster does not say what {version} holds.", version))
            self._known[version] = {
                entry["name"]: (entry["kind"], bool(entry["namespaced"]))
                for entry in answer.body.get("resources", [])
            }
        return self._known[version]

    def _elsewhere(self, kind: str) -> str:
        """Return a sentence that names the group version in which a kind is served; empty when there is none."""
        for version in group_versions(self._client):
            if kind in self._kinds(version):
                return text(
                    "{kind} is served in {found}: write apiVersion: {found2}.",
                    kind,
                    version,
                    version,
                )
        return ""


def group_versions(client: Client, *, every: bool = False) -> list[str]:
    """Return the group versions that a cluster serves, ``v1`` first: of each group the preferred one, or every one."""
    answer = client.get("/apis")
    groups = answer.body["groups"] if answer.ok else ()
    chosen = [group["versions"] if every else [group["preferredVersion"]] for group in groups]
    # The core group is older than the groups and is served at /api, so /apis does not list it.
    return ["v1", *(version["groupVersion"] for versions in chosen for version in versions)]


def resource_entries(client: Client, version: str) -> list[dict[str, Any]]:
    """Return the entries of a group version's resource list, with subresources; empty if it cannot be read."""
    answer = client.get(version_path(version))
    return list(answer.body["resources"]) if answer.ok else []


def version_path(version: str) -> str:
    """Return the path of a group version, such as ``v1`` or ``apps/v1``."""
    # Only the core group's versions have no group before a slash.
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
