"""Which kind has which strategy.

A strategy is named, and loaded when its kind is asked for: a server starts with few of them.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.strategies.rbac import GROUP as RBAC
from labkit.embedded.apiserver.registry.strategies.rbac import BindingStrategy, RoleStrategy
from labkit.embedded.apiserver.registry.strategy import Strategy


def table() -> dict[tuple[str, str], Strategy | tuple[str, str]]:
    """(group, kind) to a new strategy, or where it is to be had: not every server is asked for it."""
    return {
        ("", "ConfigMap"): ("core", "ConfigMapStrategy"),
        ("", "Endpoints"): ("network.endpoints", "EndpointsStrategy"),
        ("", "Event"): ("events", "EventStrategy"),
        ("", "LimitRange"): ("limits", "LimitRangeStrategy"),
        ("", "Namespace"): ("core", "NamespaceStrategy"),
        ("", "Node"): ("nodes", "NodeStrategy"),
        ("", "PersistentVolume"): ("storage.volumes", "VolumeStrategy"),
        ("", "PersistentVolumeClaim"): ("storage.claims", "ClaimStrategy"),
        ("", "Pod"): ("pods.strategy", "PodStrategy"),
        ("", "PodTemplate"): ("workloads.templates", "PodTemplateStrategy"),
        ("", "ReplicationController"): ("workloads.replicas", "ReplicationControllerStrategy"),
        ("", "ResourceQuota"): ("limits", "ResourceQuotaStrategy"),
        ("", "Secret"): ("core", "SecretStrategy"),
        ("", "Service"): ("network.services", "ServiceStrategy"),
        ("", "ServiceAccount"): ("core", "ServiceAccountStrategy"),
        ("apiregistration.k8s.io", "APIService"): ("apiservices", "ApiServiceStrategy"),
        ("apps", "ControllerRevision"): ("workloads.templates", "ControllerRevisionStrategy"),
        ("apps", "DaemonSet"): ("workloads.daemonsets", "DaemonSetStrategy"),
        ("apps", "Deployment"): ("workloads.deployments", "DeploymentStrategy"),
        ("apps", "ReplicaSet"): ("workloads.replicas", "ReplicaSetStrategy"),
        ("apps", "StatefulSet"): ("workloads.statefulsets", "StatefulSetStrategy"),
        ("autoscaling", "HorizontalPodAutoscaler"): ("workloads.autoscaling", "AutoscalerStrategy"),
        ("batch", "CronJob"): ("workloads.jobs", "CronJobStrategy"),
        ("batch", "Job"): ("workloads.jobs", "JobStrategy"),
        ("certificates.k8s.io", "CertificateSigningRequest"): ("certificates", "SigningRequestStrategy"),
        ("coordination.k8s.io", "Lease"): ("leases", "LeaseStrategy"),
        ("discovery.k8s.io", "EndpointSlice"): ("network.endpointslices", "EndpointSliceStrategy"),
        ("events.k8s.io", "Event"): ("events", "StrictEventStrategy"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"): ("flowcontrol.schemas", "FlowSchemaStrategy"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): ("flowcontrol.levels", "PriorityLevelStrategy"),
        ("networking.k8s.io", "Ingress"): ("network.ingresses", "IngressStrategy"),
        ("networking.k8s.io", "IngressClass"): ("network.ingresses", "IngressClassStrategy"),
        ("networking.k8s.io", "IPAddress"): ("network.addresses", "AddressStrategy"),
        ("networking.k8s.io", "NetworkPolicy"): ("network.policies", "NetworkPolicyStrategy"),
        ("networking.k8s.io", "ServiceCIDR"): ("network.addresses", "RangeStrategy"),
        ("node.k8s.io", "RuntimeClass"): ("runtime_classes", "RuntimeClassStrategy"),
        ("policy", "PodDisruptionBudget"): ("workloads.disruption_budgets", "DisruptionBudgetStrategy"),
        (RBAC, "ClusterRole"): RoleStrategy(namespaced=False),
        (RBAC, "ClusterRoleBinding"): BindingStrategy(roles=("ClusterRole",)),
        (RBAC, "Role"): RoleStrategy(),
        (RBAC, "RoleBinding"): BindingStrategy(),
        ("scheduling.k8s.io", "PriorityClass"): ("core", "PriorityClassStrategy"),
        ("storage.k8s.io", "CSIDriver"): ("storage.drivers", "DriverStrategy"),
        ("storage.k8s.io", "CSINode"): ("storage.drivers", "DriverNodeStrategy"),
        ("storage.k8s.io", "CSIStorageCapacity"): ("storage.drivers", "CapacityStrategy"),
        ("storage.k8s.io", "StorageClass"): ("storage.classes", "StorageClassStrategy"),
        ("storage.k8s.io", "VolumeAttachment"): ("storage.drivers", "AttachmentStrategy"),
        ("storage.k8s.io", "VolumeAttributesClass"): ("storage.drivers", "AttributesClassStrategy"),
    }
