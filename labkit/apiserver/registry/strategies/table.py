"""Which kind has which strategy."""

from __future__ import annotations

from labkit.apiserver.registry.strategies import core, events, leases, limits, nodes
from labkit.apiserver.registry.strategies.network import endpoints, endpointslices, ingresses, policies
from labkit.apiserver.registry.strategies.network.services import ServiceStrategy
from labkit.apiserver.registry.strategies.pods.strategy import PodStrategy
from labkit.apiserver.registry.strategies.rbac import GROUP as RBAC
from labkit.apiserver.registry.strategies.rbac import BindingStrategy, RoleStrategy
from labkit.apiserver.registry.strategies.storage import claims, classes, volumes
from labkit.apiserver.registry.strategies.workloads import (
    budgets,
    daemonsets,
    deployments,
    jobs,
    replicas,
    statefulsets,
    templates,
)
from labkit.apiserver.registry.strategy import Strategy


def table() -> dict[tuple[str, str], Strategy | tuple[str, str]]:
    """(group, kind) to a new strategy, or where it is to be had: not every server is asked for it."""
    return {
        ("", "ConfigMap"): core.ConfigMapStrategy(),
        ("", "Endpoints"): endpoints.EndpointsStrategy(),
        ("", "Event"): events.EventStrategy(),
        ("", "LimitRange"): limits.LimitRangeStrategy(),
        ("", "Namespace"): core.NamespaceStrategy(),
        ("", "Node"): nodes.NodeStrategy(),
        ("", "PersistentVolume"): volumes.VolumeStrategy(),
        ("", "PersistentVolumeClaim"): claims.ClaimStrategy(),
        ("", "Pod"): PodStrategy(),
        ("", "PodTemplate"): templates.PodTemplateStrategy(),
        ("", "ReplicationController"): replicas.ReplicationControllerStrategy(),
        ("", "ResourceQuota"): limits.ResourceQuotaStrategy(),
        ("", "Secret"): core.SecretStrategy(),
        ("", "Service"): ServiceStrategy(),
        ("", "ServiceAccount"): core.ServiceAccountStrategy(),
        ("apiregistration.k8s.io", "APIService"): ("apiservices", "ApiServiceStrategy"),
        ("apps", "ControllerRevision"): templates.ControllerRevisionStrategy(),
        ("apps", "DaemonSet"): daemonsets.DaemonSetStrategy(),
        ("apps", "Deployment"): deployments.DeploymentStrategy(),
        ("apps", "ReplicaSet"): replicas.ReplicaSetStrategy(),
        ("apps", "StatefulSet"): statefulsets.StatefulSetStrategy(),
        ("autoscaling", "HorizontalPodAutoscaler"): ("workloads.autoscaling", "AutoscalerStrategy"),
        ("batch", "CronJob"): jobs.CronJobStrategy(),
        ("batch", "Job"): jobs.JobStrategy(),
        ("certificates.k8s.io", "CertificateSigningRequest"): ("signing", "SigningRequestStrategy"),
        ("coordination.k8s.io", "Lease"): leases.LeaseStrategy(),
        ("discovery.k8s.io", "EndpointSlice"): endpointslices.EndpointSliceStrategy(),
        ("events.k8s.io", "Event"): ("events", "StrictEventStrategy"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"): ("flowcontrol.schemas", "FlowSchemaStrategy"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): ("flowcontrol.levels", "PriorityLevelStrategy"),
        ("networking.k8s.io", "Ingress"): ingresses.IngressStrategy(),
        ("networking.k8s.io", "IngressClass"): ingresses.IngressClassStrategy(),
        ("networking.k8s.io", "IPAddress"): ("network.addresses", "AddressStrategy"),
        ("networking.k8s.io", "NetworkPolicy"): policies.NetworkPolicyStrategy(),
        ("networking.k8s.io", "ServiceCIDR"): ("network.addresses", "RangeStrategy"),
        ("node.k8s.io", "RuntimeClass"): ("runtimes", "RuntimeClassStrategy"),
        ("policy", "PodDisruptionBudget"): budgets.DisruptionBudgetStrategy(),
        (RBAC, "ClusterRole"): RoleStrategy(namespaced=False),
        (RBAC, "ClusterRoleBinding"): BindingStrategy(roles=("ClusterRole",)),
        (RBAC, "Role"): RoleStrategy(),
        (RBAC, "RoleBinding"): BindingStrategy(),
        ("scheduling.k8s.io", "PriorityClass"): core.PriorityClassStrategy(),
        ("storage.k8s.io", "CSIDriver"): ("storage.drivers", "DriverStrategy"),
        ("storage.k8s.io", "CSINode"): ("storage.drivers", "DriverNodeStrategy"),
        ("storage.k8s.io", "CSIStorageCapacity"): ("storage.drivers", "CapacityStrategy"),
        ("storage.k8s.io", "StorageClass"): classes.StorageClassStrategy(),
        ("storage.k8s.io", "VolumeAttachment"): ("storage.drivers", "AttachmentStrategy"),
        ("storage.k8s.io", "VolumeAttributesClass"): ("storage.drivers", "AttributesClassStrategy"),
    }
