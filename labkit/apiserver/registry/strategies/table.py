"""Which kind has which strategy."""

from __future__ import annotations

from labkit.apiserver.registry.strategies.core import (
    ConfigMapStrategy,
    EndpointsStrategy,
    EventStrategy,
    LimitRangeStrategy,
    NamespaceStrategy,
    NodeStrategy,
    PriorityClassStrategy,
    SecretStrategy,
    ServiceAccountStrategy,
)
from labkit.apiserver.registry.strategies.pods import PodStrategy
from labkit.apiserver.registry.strategies.rbac import GROUP as RBAC
from labkit.apiserver.registry.strategies.rbac import BindingStrategy, RoleStrategy
from labkit.apiserver.registry.strategies.services import ServiceStrategy
from labkit.apiserver.registry.strategy import Strategy


def table() -> dict[tuple[str, str], Strategy]:
    """(group, kind) to a new strategy."""
    return {
        ("", "ConfigMap"): ConfigMapStrategy(),
        ("", "Endpoints"): EndpointsStrategy(),
        ("", "Event"): EventStrategy(),
        ("", "LimitRange"): LimitRangeStrategy(),
        ("", "Namespace"): NamespaceStrategy(),
        ("", "Node"): NodeStrategy(),
        ("", "Pod"): PodStrategy(),
        ("", "Secret"): SecretStrategy(),
        ("", "Service"): ServiceStrategy(),
        ("", "ServiceAccount"): ServiceAccountStrategy(),
        (RBAC, "ClusterRole"): RoleStrategy(namespaced=False),
        (RBAC, "ClusterRoleBinding"): BindingStrategy(roles=("ClusterRole",)),
        (RBAC, "Role"): RoleStrategy(),
        (RBAC, "RoleBinding"): BindingStrategy(),
        ("scheduling.k8s.io", "PriorityClass"): PriorityClassStrategy(),
    }
