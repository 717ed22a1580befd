"""One strategy for each kind that needs more than the default rules.

Each of these packages imports only those below it:

``workloads``  what makes pods from a template, autoscalers, disruption budgets
``pods``       pods and pod templates
``storage``    volumes, claims, drivers
``fields``     fields that several kinds have

``network`` has services and what surrounds them, ``flowcontrol`` API priority and fairness; the
modules of the other kinds are in this package itself.

Checks take a value, its path in the object, and ``errors``, to which they add a cause for each broken
rule in the real server's order. Methods marked as overrides do what ``Strategy`` says.
"""

from __future__ import annotations

from functools import cache

from labkit.embedded.apiserver.registry.strategy import StatusStrategy, Strategy
from labkit.embedded.machinery.kinds import CustomKind, Kind


def strategy_of(kind: Kind) -> Strategy:
    """Return the strategy of a kind; it has no state, so clusters share it."""
    if isinstance(kind, CustomKind):
        from labkit.embedded.apiserver.registry.custom.strategy import CustomStrategy

        return CustomStrategy(kind)
    own = _strategy(kind.group, kind.kind)
    if own is not None:
        return own
    return _WITH_STATUS if "status" in kind.subresources else _PLAIN


_PLAIN = Strategy()
_WITH_STATUS = StatusStrategy()


# The imports are inside the cases because all strategies together take a quarter of a second to load, and a server
# starts with few of them.
@cache
def _strategy(group: str, kind: str) -> Strategy | None:
    match group, kind:
        case "", "ConfigMap":
            from labkit.embedded.apiserver.registry.strategies.core import ConfigMapStrategy

            return ConfigMapStrategy()
        case "", "Namespace":
            from labkit.embedded.apiserver.registry.strategies.core import NamespaceStrategy

            return NamespaceStrategy()
        case "", "Secret":
            from labkit.embedded.apiserver.registry.strategies.core import SecretStrategy

            return SecretStrategy()
        case "", "ServiceAccount":
            from labkit.embedded.apiserver.registry.strategies.core import ServiceAccountStrategy

            return ServiceAccountStrategy()
        case "scheduling.k8s.io", "PriorityClass":
            from labkit.embedded.apiserver.registry.strategies.core import PriorityClassStrategy

            return PriorityClassStrategy()
        case "", "Endpoints":
            from labkit.embedded.apiserver.registry.strategies.network.endpoints import (
                EndpointsStrategy,
            )

            return EndpointsStrategy()
        case "" | "events.k8s.io", "Event":
            from labkit.embedded.apiserver.registry.strategies.events import EventStrategy

            return EventStrategy()
        case "", "LimitRange":
            from labkit.embedded.apiserver.registry.strategies.limits import LimitRangeStrategy

            return LimitRangeStrategy()
        case "", "ResourceQuota":
            from labkit.embedded.apiserver.registry.strategies.limits import ResourceQuotaStrategy

            return ResourceQuotaStrategy()
        case "", "Node":
            from labkit.embedded.apiserver.registry.strategies.nodes import NodeStrategy

            return NodeStrategy()
        case "", "PersistentVolume":
            from labkit.embedded.apiserver.registry.strategies.storage.volumes import VolumeStrategy

            return VolumeStrategy()
        case "", "PersistentVolumeClaim":
            from labkit.embedded.apiserver.registry.strategies.storage.claims import ClaimStrategy

            return ClaimStrategy()
        case "", "Pod":
            from labkit.embedded.apiserver.registry.strategies.pods.strategy import PodStrategy

            return PodStrategy()
        case "", "PodTemplate":
            from labkit.embedded.apiserver.registry.strategies.workloads.templates import (
                PodTemplateStrategy,
            )

            return PodTemplateStrategy()
        case "apps", "ControllerRevision":
            from labkit.embedded.apiserver.registry.strategies.workloads.templates import (
                ControllerRevisionStrategy,
            )

            return ControllerRevisionStrategy()
        case "", "ReplicationController":
            from labkit.embedded.apiserver.registry.strategies.workloads.replicas import (
                ReplicationControllerStrategy,
            )

            return ReplicationControllerStrategy()
        case "", "Service":
            from labkit.embedded.apiserver.registry.strategies.network.services import (
                ServiceStrategy,
            )

            return ServiceStrategy()
        case "admissionregistration.k8s.io", "MutatingAdmissionPolicy":
            from labkit.embedded.apiserver.registry.strategies.admission import (
                MutatingPolicyStrategy,
            )

            return MutatingPolicyStrategy()
        case "admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding":
            from labkit.embedded.apiserver.registry.strategies.admission import (
                MutatingBindingStrategy,
            )

            return MutatingBindingStrategy()
        case "admissionregistration.k8s.io", "MutatingWebhookConfiguration":
            from labkit.embedded.apiserver.registry.strategies.admission import (
                MutatingWebhooksStrategy,
            )

            return MutatingWebhooksStrategy()
        case "admissionregistration.k8s.io", "ValidatingAdmissionPolicy":
            from labkit.embedded.apiserver.registry.strategies.admission import (
                ValidatingPolicyStrategy,
            )

            return ValidatingPolicyStrategy()
        case "admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding":
            from labkit.embedded.apiserver.registry.strategies.admission import BindingStrategy

            return BindingStrategy()
        case "admissionregistration.k8s.io", "ValidatingWebhookConfiguration":
            from labkit.embedded.apiserver.registry.strategies.admission import WebhooksStrategy

            return WebhooksStrategy()
        case "apiextensions.k8s.io", "CustomResourceDefinition":
            from labkit.embedded.apiserver.registry.strategies.definitions import DefinitionStrategy

            return DefinitionStrategy()
        case "apiregistration.k8s.io", "APIService":
            from labkit.embedded.apiserver.registry.strategies.apiservices import ApiServiceStrategy

            return ApiServiceStrategy()
        case "apps", "DaemonSet":
            from labkit.embedded.apiserver.registry.strategies.workloads.daemonsets import (
                DaemonSetStrategy,
            )

            return DaemonSetStrategy()
        case "apps", "Deployment":
            from labkit.embedded.apiserver.registry.strategies.workloads.deployments import (
                DeploymentStrategy,
            )

            return DeploymentStrategy()
        case "apps", "ReplicaSet":
            from labkit.embedded.apiserver.registry.strategies.workloads.base import (
                ReplicaSetStrategy,
            )

            return ReplicaSetStrategy()
        case "apps", "StatefulSet":
            from labkit.embedded.apiserver.registry.strategies.workloads.statefulsets import (
                StatefulSetStrategy,
            )

            return StatefulSetStrategy()
        case "autoscaling", "HorizontalPodAutoscaler":
            from labkit.embedded.apiserver.registry.strategies.workloads.autoscaling import (
                AutoscalerStrategy,
            )

            return AutoscalerStrategy()
        case "batch", "CronJob":
            from labkit.embedded.apiserver.registry.strategies.workloads.jobs import CronJobStrategy

            return CronJobStrategy()
        case "batch", "Job":
            from labkit.embedded.apiserver.registry.strategies.workloads.jobs import JobStrategy

            return JobStrategy()
        case "certificates.k8s.io", "CertificateSigningRequest":
            from labkit.embedded.apiserver.registry.strategies.certificates import (
                SigningRequestStrategy,
            )

            return SigningRequestStrategy()
        case "coordination.k8s.io", "Lease":
            from labkit.embedded.apiserver.registry.strategies.leases import LeaseStrategy

            return LeaseStrategy()
        case "discovery.k8s.io", "EndpointSlice":
            from labkit.embedded.apiserver.registry.strategies.network.endpointslices import (
                EndpointSliceStrategy,
            )

            return EndpointSliceStrategy()
        case "flowcontrol.apiserver.k8s.io", "FlowSchema":
            from labkit.embedded.apiserver.registry.strategies.flowcontrol.strategies import (
                FlowSchemaStrategy,
            )

            return FlowSchemaStrategy()
        case "flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration":
            from labkit.embedded.apiserver.registry.strategies.flowcontrol.strategies import (
                PriorityLevelStrategy,
            )

            return PriorityLevelStrategy()
        case "networking.k8s.io", "Ingress":
            from labkit.embedded.apiserver.registry.strategies.network.ingresses import (
                IngressStrategy,
            )

            return IngressStrategy()
        case "networking.k8s.io", "IngressClass":
            from labkit.embedded.apiserver.registry.strategies.network.ingresses import (
                IngressClassStrategy,
            )

            return IngressClassStrategy()
        case "networking.k8s.io", "NetworkPolicy":
            from labkit.embedded.apiserver.registry.strategies.network.policies import (
                NetworkPolicyStrategy,
            )

            return NetworkPolicyStrategy()
        case "policy", "PodDisruptionBudget":
            from labkit.embedded.apiserver.registry.strategies.workloads.disruption_budgets import (
                DisruptionBudgetStrategy,
            )

            return DisruptionBudgetStrategy()
        case "rbac.authorization.k8s.io", "ClusterRole":
            from labkit.embedded.apiserver.registry.strategies.rbac import ClusterRoleStrategy

            return ClusterRoleStrategy()
        case "rbac.authorization.k8s.io", "ClusterRoleBinding":
            from labkit.embedded.apiserver.registry.strategies.rbac import (
                ClusterRoleBindingStrategy,
            )

            return ClusterRoleBindingStrategy()
        case "rbac.authorization.k8s.io", "Role":
            from labkit.embedded.apiserver.registry.strategies.rbac import RoleStrategy

            return RoleStrategy()
        case "rbac.authorization.k8s.io", "RoleBinding":
            from labkit.embedded.apiserver.registry.strategies.rbac import RoleBindingStrategy

            return RoleBindingStrategy()
        case "storage.k8s.io", "CSIDriver":
            from labkit.embedded.apiserver.registry.strategies.storage.drivers import DriverStrategy

            return DriverStrategy()
        case "storage.k8s.io", "CSINode":
            from labkit.embedded.apiserver.registry.strategies.storage.drivers import (
                DriverNodeStrategy,
            )

            return DriverNodeStrategy()
        case "storage.k8s.io", "VolumeAttachment":
            from labkit.embedded.apiserver.registry.strategies.storage.drivers import (
                AttachmentStrategy,
            )

            return AttachmentStrategy()
        case "storage.k8s.io", "StorageClass":
            from labkit.embedded.apiserver.registry.strategies.storage.classes import (
                StorageClassStrategy,
            )

            return StorageClassStrategy()
        case "node.k8s.io", "RuntimeClass":
            from labkit.embedded.apiserver.registry.strategies.schema_only import (
                RuntimeClassStrategy,
            )

            return RuntimeClassStrategy()
        case "storage.k8s.io", "CSIStorageCapacity":
            from labkit.embedded.apiserver.registry.strategies.schema_only import (
                StorageCapacityStrategy,
            )

            return StorageCapacityStrategy()
        case "storage.k8s.io", "VolumeAttributesClass":
            from labkit.embedded.apiserver.registry.strategies.schema_only import (
                AttributesClassStrategy,
            )

            return AttributesClassStrategy()
    return None
