"""Prefix the walkthrough's names on a cluster that several learners share.

With a prefix each learner has namespaces and cluster roles of their own: ``kikai`` is
``ann-kikai`` there. The notebooks use the walkthrough's names; paths and objects are rewritten
in requests, not in answers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labkit.core.errors import UsageError
from labkit.core.language import text

# Tuples, because a learner's object can have a list for a name, and a set would raise a TypeError for it.
NAMESPACES = ("default", "kikai", "darbo", "museum", "garden", "shop", "annex")
"""The walkthrough's namespaces; the last two are those of the first notebook."""

CLUSTER_NAMES = ("pv-reader", "pv-test", "view-test")
"""The walkthrough's cluster-scoped objects. Others, such as ``view``, are the cluster's own."""

# The lookahead matches whole names: `kikai` is rewritten, and `kikai-2` is another namespace.
_PATH = re.compile(
    r"(/namespaces/|/(?:clusterroles|clusterrolebindings)/)([a-z0-9][a-z0-9.-]*)(?=[^a-z0-9.-]|$)"
)
_CLUSTERS_OWN = "/api/v1/namespaces/default/services/kubernetes"
"""The API server's own Service, whose namespace is not rewritten."""

_HOST = re.compile(r"(https://)kubernetes(?![\w.-])")
_USER = re.compile(r"^(system:serviceaccounts?:)([a-z0-9-]+)(.*)$")


@dataclass(frozen=True, slots=True)
class Names:
    """Maps the walkthrough's names to those on a cluster.

    Args:
        prefix: Such as ``ann``; empty maps every name to itself.
    """

    prefix: str = ""

    def __post_init__(self) -> None:
        """Raise a UsageError unless the prefix is a DNS label of at most 20 letters."""
        if self.prefix and not re.fullmatch(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", self.prefix):
            raise UsageError(
                text('"{prefix}" cannot be a prefix.', self.prefix),
                why="names in Kubernetes are small letters, digits and dashes",
                todo="Choose something like `ann`.",
            )

    def namespace(self, name: str) -> str:
        """Return a namespace's name on this cluster."""
        return f"{self.prefix}-{name}" if self.prefix and name in NAMESPACES else name

    def cluster(self, name: str) -> str:
        """Return the name of a cluster-scoped object on this cluster."""
        return f"{self.prefix}-{name}" if self.prefix and name in CLUSTER_NAMES else name

    def user(self, name: str) -> str:
        """Return a service account's user or group name on this cluster."""
        match = _USER.match(name)
        if not match:
            return name
        return f"{match[1]}{self.namespace(match[2])}{match[3]}"

    def path(self, path: str) -> str:
        """Return a request's path on this cluster."""
        # Every cluster has this Service in `default`, and pods find the API server by it.
        if not self.prefix or path.startswith(_CLUSTERS_OWN):
            return path
        return _PATH.sub(self._part, path)

    def command(self, line: str) -> str:
        """Return a command for a pod, with the paths and the host in it rewritten.

        Outside the namespace ``default`` the API server's short name does not resolve.
        """
        if not self.prefix:
            return line
        return _HOST.sub(r"\1kubernetes.default", _PATH.sub(self._part, line))

    def body(self, body: Any) -> Any:
        """Return an object with its names rewritten; anything else unchanged."""
        if not self.prefix or not isinstance(body, Mapping) or "kind" not in body:
            return body
        mapped = dict(body)
        kind = str(body["kind"])
        meta = dict(body.get("metadata") or {})
        # An object without a namespace needs none: the namespace in the path of its request decides.
        if "namespace" in meta:
            meta["namespace"] = self.namespace(meta["namespace"])
        if "name" in meta and kind == "Namespace":
            meta["name"] = self.namespace(meta["name"])
        # Besides namespaces the walkthrough creates only cluster roles and their bindings outside namespaces.
        elif "name" in meta and kind.startswith("Cluster"):
            meta["name"] = self.cluster(meta["name"])
        if meta:
            mapped["metadata"] = meta
        reference = body.get("roleRef")
        # A Role is in the binding's own namespace, so its name needs no prefix.
        if isinstance(reference, Mapping) and reference.get("kind") == "ClusterRole":
            mapped["roleRef"] = {**reference, "name": self.cluster(reference.get("name", ""))}
        if isinstance(body.get("subjects"), list):
            mapped["subjects"] = [self._subject(subject) for subject in body["subjects"]]
        if kind.endswith("AccessReview") and isinstance(body.get("spec"), Mapping):
            mapped["spec"] = self._review(body["spec"])
        return mapped

    def _part(self, match: re.Match[str]) -> str:
        kind = match[1]
        name = match[2]
        mapped = self.namespace(name) if kind == "/namespaces/" else self.cluster(name)
        return kind + mapped

    def _subject(self, subject: Any) -> Any:
        if not isinstance(subject, Mapping):
            return subject
        if "namespace" in subject:
            return {**subject, "namespace": self.namespace(subject["namespace"])}
        # A User or a Group without a namespace can be a service account's, written out in full.
        return {**subject, "name": self.user(str(subject.get("name", "")))}

    def _review(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        mapped = dict(spec)
        attributes = spec.get("resourceAttributes")
        if isinstance(attributes, Mapping) and attributes.get("namespace"):
            namespace = self.namespace(attributes["namespace"])
            mapped["resourceAttributes"] = {**attributes, "namespace": namespace}
        if "user" in spec:
            mapped["user"] = self.user(str(spec["user"]))
        if isinstance(spec.get("groups"), list):
            mapped["groups"] = [self.user(str(group)) for group in spec["groups"]]
        return mapped
