"""The kinds that are served: one row each. Adding a kind is adding a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CRUD = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
"""The verbs of an ordinary stored kind."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the table.

    Args:
        group: API group, empty for the core group.
        version: API version.
        kind: The Kind, such as ``RoleBinding``.
        plural: The resource, such as ``rolebindings``.
        namespaced: Whether its objects live in a namespace.
        verbs: What can be done with it; a kind with only ``create`` is a question
            (a review), never stored.
        short_names: What kubectl accepts for it.
        categories: ``all`` for what ``kubectl get all`` shows.
        subresources: Name of each subresource and the verbs it has.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: tuple[str, ...] = CRUD
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def singular(self) -> str:
        """The kind in lower case."""
        return self.kind.lower()

    @property
    def group_version(self) -> str:
        """``apiVersion`` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """Plural with its group: where its objects are stored."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


STATUS = ("get", "patch", "update")
RBAC = "rbac.authorization.k8s.io"
AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "authorization.k8s.io"

KINDS: tuple[Kind, ...] = (
    Kind("", "v1", "ConfigMap", "configmaps", True, short_names=("cm",)),
    Kind("", "v1", "Endpoints", "endpoints", True, short_names=("ep",)),
    Kind("", "v1", "Event", "events", True, short_names=("ev",)),
    Kind("", "v1", "Namespace", "namespaces", False, short_names=("ns",),
         verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
         subresources={"status": STATUS, "finalize": ("update",)}),
    Kind("", "v1", "Node", "nodes", False, short_names=("no",), subresources={"status": STATUS}),
    Kind("", "v1", "PersistentVolume", "persistentvolumes", False, short_names=("pv",),
         subresources={"status": STATUS}),
    Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", True, short_names=("pvc",),
         subresources={"status": STATUS}),
    Kind("", "v1", "Pod", "pods", True, short_names=("po",), categories=("all",),
         subresources={"status": STATUS, "log": ("get",), "exec": ("create", "get")}),
    Kind("", "v1", "Secret", "secrets", True),
    Kind("", "v1", "Service", "services", True, short_names=("svc",), categories=("all",),
         subresources={"status": STATUS}),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", True, short_names=("sa",),
         subresources={"token": ("create",)}),
    Kind(RBAC, "v1", "ClusterRole", "clusterroles", False),
    Kind(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", False),
    Kind(RBAC, "v1", "Role", "roles", True),
    Kind(RBAC, "v1", "RoleBinding", "rolebindings", True),
    Kind(AUTHENTICATION, "v1", "TokenReview", "tokenreviews", False, verbs=("create",)),
    Kind(AUTHENTICATION, "v1", "SelfSubjectReview", "selfsubjectreviews", False, verbs=("create",)),
    Kind(AUTHORIZATION, "v1", "LocalSubjectAccessReview", "localsubjectaccessreviews", True, verbs=("create",)),
    Kind(AUTHORIZATION, "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", False, verbs=("create",)),
    Kind(AUTHORIZATION, "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", False, verbs=("create",)),
    Kind(AUTHORIZATION, "v1", "SubjectAccessReview", "subjectaccessreviews", False, verbs=("create",)),
)

BY_RESOURCE: Mapping[tuple[str, str, str], Kind] = {
    (row.group, row.version, row.plural): row for row in KINDS
}
"""(group, version, plural) to its row."""
