"""Which kind has which strategy."""

from __future__ import annotations

from labkit.apiserver.registry.strategies import core, jobs, limits, network, storage, workloads
from labkit.apiserver.registry.strategies.pods import PodStrategy
from labkit.apiserver.registry.strategies.rbac import GROUP as RBAC
from labkit.apiserver.registry.strategies.rbac import BindingStrategy, RoleStrategy
from labkit.apiserver.registry.strategies.services import ServiceStrategy
from labkit.apiserver.registry.strategy import Strategy


def table() -> dict[tuple[str, str], Strategy]:
    """(group, kind) to a new strategy."""
    return {
        ("", "ConfigMap"): core.ConfigMapStrategy(),
        ("", "Endpoints"): core.EndpointsStrategy(),
        ("", "Event"): core.EventStrategy(),
        ("", "LimitRange"): limits.LimitRangeStrategy(),
        ("", "Namespace"): core.NamespaceStrategy(),
        ("", "Node"): core.NodeStrategy(),
        ("", "PersistentVolume"): storage.VolumeStrategy(),
        ("", "PersistentVolumeClaim"): storage.ClaimStrategy(),
        ("", "Pod"): PodStrategy(),
        ("", "PodTemplate"): core.PodTemplateStrategy(),
        ("", "ReplicationController"): workloads.ReplicationControllerStrategy(),
        ("", "ResourceQuota"): limits.ResourceQuotaStrategy(),
        ("", "Secret"): core.SecretStrategy(),
        ("", "Service"): ServiceStrategy(),
        ("", "ServiceAccount"): core.ServiceAccountStrategy(),
        ("apps", "DaemonSet"): workloads.DaemonSetStrategy(),
        ("apps", "Deployment"): workloads.DeploymentStrategy(),
        ("apps", "ReplicaSet"): workloads.ReplicaSetStrategy(),
        ("apps", "StatefulSet"): workloads.StatefulSetStrategy(),
        ("batch", "CronJob"): jobs.CronJobStrategy(),
        ("batch", "Job"): jobs.JobStrategy(),
        ("coordination.k8s.io", "Lease"): network.LeaseStrategy(),
        ("discovery.k8s.io", "EndpointSlice"): network.EndpointSliceStrategy(),
        ("networking.k8s.io", "Ingress"): network.IngressStrategy(),
        ("networking.k8s.io", "IngressClass"): network.IngressClassStrategy(),
        ("networking.k8s.io", "NetworkPolicy"): network.NetworkPolicyStrategy(),
        ("policy", "PodDisruptionBudget"): workloads.DisruptionBudgetStrategy(),
        (RBAC, "ClusterRole"): RoleStrategy(namespaced=False),
        (RBAC, "ClusterRoleBinding"): BindingStrategy(roles=("ClusterRole",)),
        (RBAC, "Role"): RoleStrategy(),
        (RBAC, "RoleBinding"): BindingStrategy(),
        ("scheduling.k8s.io", "PriorityClass"): core.PriorityClassStrategy(),
        ("storage.k8s.io", "StorageClass"): storage.StorageClassStrategy(),
    }
