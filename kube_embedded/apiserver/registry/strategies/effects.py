"""The kinds that the server stores without effect, and the warning for callers who write them.

docs/limits.md lists the same rows: ``python -m tools.limits`` writes them there.
"""

from collections.abc import Mapping

from kube_embedded.machinery.request import Object

PREFIX = "kube-embedded: stored, without effect: "
"""Begins the warnings, so that tests and clients can tell them from the real server's."""

ADMISSION = "admissionregistration.k8s.io"
FLOW_CONTROL = "flowcontrol.apiserver.k8s.io"
NETWORKING = "networking.k8s.io"
STORAGE = "storage.k8s.io"

_WEBHOOKS = "admission webhooks are not called"
_POLICIES = "admission policies are not evaluated"
_FLOWS = "no request waits for others"
_INGRESSES = "ingresses route no requests"
_ENDPOINTS = "services lead to the pods that they select, not to endpoints that people write"
_ADDRESSES = "services take their addresses from 10.96.0.0/16 alone"
_DRIVERS = "no storage driver runs"

WITHOUT_EFFECT: Mapping[tuple[str, str], str] = {
    ("", "Endpoints"): _ENDPOINTS,
    ("", "LimitRange"): "limit ranges set no defaults and limit nothing",
    ("", "PersistentVolume"): "volumes are not bound to claims",
    (
        "",
        "PersistentVolumeClaim",
    ): "claims stay pending, and a pod's volume from one is an empty directory",
    (
        "",
        "ResourceQuota",
    ): "quotas limit numbers of objects alone: no CPU, memory or storage, and nothing with scopes",
    (ADMISSION, "MutatingAdmissionPolicy"): _POLICIES,
    (ADMISSION, "MutatingAdmissionPolicyBinding"): _POLICIES,
    (ADMISSION, "MutatingWebhookConfiguration"): _WEBHOOKS,
    (ADMISSION, "ValidatingAdmissionPolicy"): _POLICIES,
    (ADMISSION, "ValidatingAdmissionPolicyBinding"): _POLICIES,
    (ADMISSION, "ValidatingWebhookConfiguration"): _WEBHOOKS,
    ("apiregistration.k8s.io", "APIService"): "API services add no API groups",
    ("autoscaling", "HorizontalPodAutoscaler"): "autoscalers measure and scale nothing",
    ("batch", "CronJob"): "cron jobs start no jobs",
    ("discovery.k8s.io", "EndpointSlice"): _ENDPOINTS,
    (FLOW_CONTROL, "FlowSchema"): _FLOWS,
    (FLOW_CONTROL, "PriorityLevelConfiguration"): _FLOWS,
    (NETWORKING, "IPAddress"): _ADDRESSES,
    (NETWORKING, "Ingress"): _INGRESSES,
    (NETWORKING, "IngressClass"): _INGRESSES,
    (NETWORKING, "NetworkPolicy"): "network policies block no connections",
    (NETWORKING, "ServiceCIDR"): _ADDRESSES,
    ("node.k8s.io", "RuntimeClass"): "pods run alike with any runtime class",
    ("policy", "PodDisruptionBudget"): "disruption budgets forbid no evictions",
    (STORAGE, "CSIDriver"): _DRIVERS,
    (STORAGE, "CSINode"): _DRIVERS,
    (STORAGE, "CSIStorageCapacity"): _DRIVERS,
    (STORAGE, "StorageClass"): "no volumes are provisioned",
    (STORAGE, "VolumeAttachment"): _DRIVERS,
    (STORAGE, "VolumeAttributesClass"): _DRIVERS,
}
"""(group, kind) to a sentence on the missing effect, in the order of docs/limits.md."""


def effect_warning(obj: Object) -> str:
    """Return the text of the ``Warning`` header for an object of one of these kinds."""
    group = obj["apiVersion"].rpartition("/")[0]
    return PREFIX + WITHOUT_EFFECT[group, obj["kind"]]
