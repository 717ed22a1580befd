"""The table of served kinds: one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CRUD = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
"""The verbs of an ordinary stored kind."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A row of the table.

    Args:
        group: API group, empty for the core group.
        kind: The Kind, such as ``RoleBinding``.
        plural: The resource, such as ``rolebindings``.
        verbs: A kind with only ``create`` is a question (a review), never stored.
        short_names: What kubectl accepts for it.
        categories: ``all`` for what ``kubectl get all`` shows.
        subresources: Name of each subresource and the verbs it has.
        stored_as: (group, version) in which its objects are stored, where that is another; see
            ``labkit.embedded.apiserver.registry.conversion``.
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
    stored_as: tuple[str, str] | None = None

    @property
    def singular(self) -> str:
        """The kind in lower case."""
        return self.kind.lower()

    @property
    def group_version(self) -> str:
        """``apiVersion`` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """Plural with its own group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def resource(self) -> str:
        """Plural with the group in which objects are stored."""
        group = self.group if self.stored_as is None else self.stored_as[0]
        return f"{self.plural}.{group}" if group else self.plural


STATUS = ("get", "patch", "update")
PROXY = ("create", "delete", "get", "patch", "update")
ALL = ("all",)
RBAC = "rbac.authorization.k8s.io"
AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "authorization.k8s.io"
NO_COLLECTION = tuple(verb for verb in CRUD if verb != "deletecollection")
WITH_STATUS = {"status": STATUS}
WITH_PROXY = {"proxy": PROXY, "status": STATUS}
WITH_SCALE = {"scale": STATUS, "status": STATUS}


def _row(
    group_version: str,
    kind: str,
    plural: str,
    namespaced: bool,
    *short_names: str,
    verbs: tuple[str, ...] = CRUD,
    categories: tuple[str, ...] = (),
    subresources: Mapping[str, tuple[str, ...]] | None = None,
    stored_as: tuple[str, str] | None = None,
) -> Kind:
    group, _, version = group_version.rpartition("/")
    return Kind(group, version, kind, plural, namespaced, verbs, short_names, categories, subresources or {}, stored_as)


NAMESPACED, CLUSTER = True, False

KINDS: tuple[Kind, ...] = (
    _row("v1", "Binding", "bindings", NAMESPACED, verbs=("create",)),
    _row("v1", "ComponentStatus", "componentstatuses", CLUSTER, "cs", verbs=("get", "list")),
    _row("v1", "ConfigMap", "configmaps", NAMESPACED, "cm"),
    _row("v1", "Endpoints", "endpoints", NAMESPACED, "ep"),
    _row("v1", "Event", "events", NAMESPACED, "ev"),
    _row("v1", "LimitRange", "limitranges", NAMESPACED, "limits"),
    _row(
        "v1",
        "Namespace",
        "namespaces",
        CLUSTER,
        "ns",
        verbs=NO_COLLECTION,
        subresources={"finalize": ("update",), "status": STATUS},
    ),
    _row("v1", "Node", "nodes", CLUSTER, "no", subresources=WITH_PROXY),
    _row("v1", "PersistentVolumeClaim", "persistentvolumeclaims", NAMESPACED, "pvc", subresources=WITH_STATUS),
    _row("v1", "PersistentVolume", "persistentvolumes", CLUSTER, "pv", subresources=WITH_STATUS),
    _row(
        "v1",
        "Pod",
        "pods",
        NAMESPACED,
        "po",
        categories=ALL,
        subresources={
            "attach": ("create", "get"),
            "binding": ("create",),
            "ephemeralcontainers": STATUS,
            "eviction": ("create",),
            "exec": ("create", "get"),
            "log": ("get",),
            "portforward": ("create", "get"),
            "proxy": PROXY,
            "resize": STATUS,
            "status": STATUS,
        },
    ),
    _row("v1", "PodTemplate", "podtemplates", NAMESPACED),
    _row(
        "v1",
        "ReplicationController",
        "replicationcontrollers",
        NAMESPACED,
        "rc",
        categories=ALL,
        subresources=WITH_SCALE,
    ),
    _row("v1", "ResourceQuota", "resourcequotas", NAMESPACED, "quota", subresources=WITH_STATUS),
    _row("v1", "Secret", "secrets", NAMESPACED),
    _row("v1", "ServiceAccount", "serviceaccounts", NAMESPACED, "sa", subresources={"token": ("create",)}),
    _row("v1", "Service", "services", NAMESPACED, "svc", categories=ALL, subresources=WITH_PROXY),
    _row(
        "apiregistration.k8s.io/v1",
        "APIService",
        "apiservices",
        CLUSTER,
        categories=("api-extensions",),
        subresources=WITH_STATUS,
    ),
    _row("apps/v1", "ControllerRevision", "controllerrevisions", NAMESPACED),
    _row("apps/v1", "DaemonSet", "daemonsets", NAMESPACED, "ds", categories=ALL, subresources=WITH_STATUS),
    _row("apps/v1", "Deployment", "deployments", NAMESPACED, "deploy", categories=ALL, subresources=WITH_SCALE),
    _row("apps/v1", "ReplicaSet", "replicasets", NAMESPACED, "rs", categories=ALL, subresources=WITH_SCALE),
    _row("apps/v1", "StatefulSet", "statefulsets", NAMESPACED, "sts", categories=ALL, subresources=WITH_SCALE),
    _row(f"{AUTHENTICATION}/v1", "SelfSubjectReview", "selfsubjectreviews", CLUSTER, verbs=("create",)),
    _row(f"{AUTHENTICATION}/v1", "TokenReview", "tokenreviews", CLUSTER, verbs=("create",)),
    _row(f"{AUTHORIZATION}/v1", "LocalSubjectAccessReview", "localsubjectaccessreviews", NAMESPACED, verbs=("create",)),
    _row(f"{AUTHORIZATION}/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", CLUSTER, verbs=("create",)),
    _row(f"{AUTHORIZATION}/v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", CLUSTER, verbs=("create",)),
    _row(f"{AUTHORIZATION}/v1", "SubjectAccessReview", "subjectaccessreviews", CLUSTER, verbs=("create",)),
    _row(
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        NAMESPACED,
        "hpa",
        categories=ALL,
        subresources=WITH_STATUS,
        stored_as=("autoscaling", "v2"),
    ),
    _row(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        NAMESPACED,
        "hpa",
        categories=ALL,
        subresources=WITH_STATUS,
    ),
    _row("batch/v1", "CronJob", "cronjobs", NAMESPACED, "cj", categories=ALL, subresources=WITH_STATUS),
    _row("batch/v1", "Job", "jobs", NAMESPACED, categories=ALL, subresources=WITH_STATUS),
    _row(
        "certificates.k8s.io/v1",
        "CertificateSigningRequest",
        "certificatesigningrequests",
        CLUSTER,
        "csr",
        subresources={"approval": STATUS, "status": STATUS},
    ),
    _row("coordination.k8s.io/v1", "Lease", "leases", NAMESPACED),
    _row("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", NAMESPACED),
    _row("events.k8s.io/v1", "Event", "events", NAMESPACED, "ev", stored_as=("", "v1")),
    _row("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "flowschemas", CLUSTER, subresources=WITH_STATUS),
    _row(
        "flowcontrol.apiserver.k8s.io/v1",
        "PriorityLevelConfiguration",
        "prioritylevelconfigurations",
        CLUSTER,
        subresources=WITH_STATUS,
    ),
    _row("networking.k8s.io/v1", "IngressClass", "ingressclasses", CLUSTER),
    _row("networking.k8s.io/v1", "Ingress", "ingresses", NAMESPACED, "ing", subresources=WITH_STATUS),
    _row("networking.k8s.io/v1", "IPAddress", "ipaddresses", CLUSTER, "ip"),
    _row("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", NAMESPACED, "netpol"),
    _row("networking.k8s.io/v1", "ServiceCIDR", "servicecidrs", CLUSTER, subresources=WITH_STATUS),
    _row("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", CLUSTER),
    _row("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", NAMESPACED, "pdb", subresources=WITH_STATUS),
    _row(f"{RBAC}/v1", "ClusterRoleBinding", "clusterrolebindings", CLUSTER),
    _row(f"{RBAC}/v1", "ClusterRole", "clusterroles", CLUSTER),
    _row(f"{RBAC}/v1", "RoleBinding", "rolebindings", NAMESPACED),
    _row(f"{RBAC}/v1", "Role", "roles", NAMESPACED),
    _row("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", CLUSTER, "pc"),
    _row("storage.k8s.io/v1", "CSIDriver", "csidrivers", CLUSTER),
    _row("storage.k8s.io/v1", "CSINode", "csinodes", CLUSTER),
    _row("storage.k8s.io/v1", "CSIStorageCapacity", "csistoragecapacities", NAMESPACED),
    _row("storage.k8s.io/v1", "StorageClass", "storageclasses", CLUSTER, "sc"),
    _row("storage.k8s.io/v1", "VolumeAttachment", "volumeattachments", CLUSTER, subresources=WITH_STATUS),
    _row("storage.k8s.io/v1", "VolumeAttributesClass", "volumeattributesclasses", CLUSTER, "vac"),
)

BY_RESOURCE: Mapping[tuple[str, str, str], Kind] = {(row.group, row.version, row.plural): row for row in KINDS}
"""(group, version, plural) to its row."""

BY_KIND: Mapping[tuple[str, str], Kind] = {
    (row.group, row.kind): row for row in sorted(KINDS, key=lambda row: row.stored_as is None)
}
"""(group, kind) to its row, that of the stored version where there are several."""


def stored_kind(kind: Kind) -> Kind:
    """The row of the version in which a kind's objects are stored."""
    return BY_RESOURCE[(*kind.stored_as, kind.plural)] if kind.stored_as is not None else kind


SUBRESOURCE_KINDS: Mapping[str, tuple[str, str, str]] = {
    "attach": ("", "v1", "PodAttachOptions"),
    "binding": ("", "v1", "Binding"),
    "eviction": ("policy", "v1", "Eviction"),
    "exec": ("", "v1", "PodExecOptions"),
    "portforward": ("", "v1", "PodPortForwardOptions"),
    "scale": ("autoscaling", "v1", "Scale"),
    "token": (AUTHENTICATION, "v1", "TokenRequest"),
}
"""Subresource to the (group, version, kind) of its bodies, where that is not the kind itself.

``proxy`` has ``NodeProxyOptions``, ``PodProxyOptions``, ``ServiceProxyOptions``.
"""
