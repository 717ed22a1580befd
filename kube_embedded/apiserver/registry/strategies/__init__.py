"""One strategy for each kind that needs more than the default rules.

Each of these packages imports only those below it:

``workloads``  kinds that make pods from a template
``pods``       pods and pod templates
``storage``    the sources of volumes
``fields``     fields that several kinds have

``network`` has services, ``schema_only`` the kinds without behaviour; the modules of the other kinds are in this
package itself.

The parameters of checks are a value, its path in the object, and ``errors``, to which they add a cause for each
broken
rule in the real server's order. Methods marked as overrides are documented in ``Strategy``.
"""

from functools import cache

from kube_embedded.machinery.kinds import CustomKind, Kind

from ..strategy import Strategy


def strategy_of(kind: Kind) -> Strategy:
    """Return the strategy of a kind; it has no state, so clusters share it."""
    if isinstance(kind, CustomKind):
        from ..custom.strategy import CustomStrategy

        return CustomStrategy(kind)
    return _strategy(kind.group, kind.kind)


# The imports are inside the cases because all strategies together take a quarter of a second to load, and a server
# starts with few of them.
@cache
def _strategy(group: str, kind: str) -> Strategy:
    match group, kind:
        case "", "ConfigMap":
            from .core import ConfigMapStrategy

            return ConfigMapStrategy()
        case "", "Namespace":
            from .core import NamespaceStrategy

            return NamespaceStrategy()
        case "", "Secret":
            from .core import SecretStrategy

            return SecretStrategy()
        case "", "ServiceAccount":
            from .core import ServiceAccountStrategy

            return ServiceAccountStrategy()
        case "scheduling.k8s.io", "PriorityClass":
            from .core import PriorityClassStrategy

            return PriorityClassStrategy()
        case "" | "events.k8s.io", "Event":
            from .events import EventStrategy

            return EventStrategy()
        case "", "ResourceQuota":
            from .quotas import ResourceQuotaStrategy

            return ResourceQuotaStrategy()
        case "", "Node":
            from .nodes import NodeStrategy

            return NodeStrategy()
        case "", "Pod":
            from .pods.strategy import PodStrategy

            return PodStrategy()
        case "", "PodTemplate":
            from .workloads.templates import PodTemplateStrategy

            return PodTemplateStrategy()
        case "apps", "ControllerRevision":
            from .workloads.templates import ControllerRevisionStrategy

            return ControllerRevisionStrategy()
        case "", "ReplicationController":
            from .workloads.replicas import ReplicationControllerStrategy

            return ReplicationControllerStrategy()
        case "", "Service":
            from .network.services import ServiceStrategy

            return ServiceStrategy()
        case "apiextensions.k8s.io", "CustomResourceDefinition":
            from .definitions import DefinitionStrategy

            return DefinitionStrategy()
        case "apps", "DaemonSet":
            from .workloads.daemonsets import DaemonSetStrategy

            return DaemonSetStrategy()
        case "apps", "Deployment":
            from .workloads.deployments import DeploymentStrategy

            return DeploymentStrategy()
        case "apps", "ReplicaSet":
            from .workloads.base import ReplicaSetStrategy

            return ReplicaSetStrategy()
        case "apps", "StatefulSet":
            from .workloads.statefulsets import StatefulSetStrategy

            return StatefulSetStrategy()
        case "batch", "Job":
            from .workloads.jobs import JobStrategy

            return JobStrategy()
        case "certificates.k8s.io", "CertificateSigningRequest":
            from .certificates import SigningRequestStrategy

            return SigningRequestStrategy()
        case "coordination.k8s.io", "Lease":
            from .leases import LeaseStrategy

            return LeaseStrategy()
        case "rbac.authorization.k8s.io", "ClusterRole":
            from .rbac import ClusterRoleStrategy

            return ClusterRoleStrategy()
        case "rbac.authorization.k8s.io", "ClusterRoleBinding":
            from .rbac import ClusterRoleBindingStrategy

            return ClusterRoleBindingStrategy()
        case "rbac.authorization.k8s.io", "Role":
            from .rbac import RoleStrategy

            return RoleStrategy()
        case "rbac.authorization.k8s.io", "RoleBinding":
            from .rbac import RoleBindingStrategy

            return RoleBindingStrategy()
    from .schema_only import SCHEMA_ONLY

    return SCHEMA_ONLY.get((group, kind)) or Strategy()
