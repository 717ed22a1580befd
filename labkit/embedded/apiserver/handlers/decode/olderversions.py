"""Kinds that the server still reads, but no longer serves.

Their versions are known to the decoder, so that a body of one of them is refused in other
words than a body that means nothing.

Source: k8s.io/kubernetes ``pkg/apis/*/install``, k8s.io/api ``*/*/register.go``.
"""

from __future__ import annotations

_SCALED = "Deployment ReplicaSet DaemonSet Scale"
_POLICY = "Role RoleBinding ClusterRole ClusterRoleBinding"
_VOLUMES = "VolumeAttachment CSIStorageCapacity VolumeAttributesClass"

KINDS = {
    "v1": "List",
    "apps/v1beta1": "Deployment DeploymentRollback Scale StatefulSet ControllerRevision",
    "apps/v1beta2": f"{_SCALED} StatefulSet ControllerRevision",
    "authentication.k8s.io/v1alpha1": "SelfSubjectReview",
    "authentication.k8s.io/v1beta1": "SelfSubjectReview TokenReview",
    "authorization.k8s.io/v1beta1": (
        "SelfSubjectRulesReview SelfSubjectAccessReview SubjectAccessReview LocalSubjectAccessReview"
    ),
    "batch/v1beta1": "CronJob",
    "certificates.k8s.io/v1alpha1": "ClusterTrustBundle",
    "certificates.k8s.io/v1beta1": "CertificateSigningRequest ClusterTrustBundle PodCertificateRequest",
    "coordination.k8s.io/v1alpha2": "LeaseCandidate",
    "coordination.k8s.io/v1beta1": "Lease LeaseCandidate",
    "discovery.k8s.io/v1beta1": "EndpointSlice",
    "events.k8s.io/v1beta1": "Event",
    "extensions/v1beta1": f"{_SCALED} DeploymentRollback Ingress NetworkPolicy",
    "networking.k8s.io/v1beta1": "Ingress IngressClass IPAddress ServiceCIDR",
    "node.k8s.io/v1alpha1": "RuntimeClass",
    "node.k8s.io/v1beta1": "RuntimeClass",
    "policy/v1beta1": "PodDisruptionBudget Eviction",
    "rbac.authorization.k8s.io/v1alpha1": _POLICY,
    "rbac.authorization.k8s.io/v1beta1": _POLICY,
    "scheduling.k8s.io/v1alpha2": "Workload PodGroup",
    "scheduling.k8s.io/v1beta1": "PriorityClass",
    "storage.k8s.io/v1alpha1": _VOLUMES,
    "storage.k8s.io/v1beta1": f"StorageClass {_VOLUMES} CSIDriver CSINode",
}
"""Group and version to the kinds that are registered there."""

MOVED = {
    "apps": {"Scale": "autoscaling"},
    "extensions": {"Ingress": "networking.k8s.io", "NetworkPolicy": "networking.k8s.io", "Scale": "autoscaling"},
    "events.k8s.io": {"Event": ""},
}
"""Group and kind to where the same objects live today, if it is not where all others went."""
MOVED_ALL = {"extensions": "apps"}


EVERYWHERE = frozenset(
    ("CreateOptions", "DeleteOptions", "GetOptions", "ListOptions", "PatchOptions", "UpdateOptions", "WatchEvent")
)
"""Kinds of every group and version."""
UNVERSIONED = frozenset(("APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "Status"))
"""Kinds that are known whatever their group and version."""


def is_registered(api_version: str, kind: str) -> bool:
    """Whether the decoder knows an older version of a kind."""
    return kind in KINDS.get(api_version, "").split()


def is_older(api_version: str, kind: str, group: str, wanted: str) -> bool:
    """Whether a kind is an older version of another, which lives in ``group`` today."""
    named = api_version.rpartition("/")[0]
    home = MOVED.get(named, {}).get(kind, MOVED_ALL.get(named, named))
    today = MOVED.get(group, {}).get(wanted, group)
    return is_registered(api_version, kind) and (home, kind) == (today, wanted)
