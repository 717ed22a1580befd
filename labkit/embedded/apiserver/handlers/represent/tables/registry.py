"""Which printer a resource has."""

from __future__ import annotations

from collections.abc import Mapping

from labkit.embedded.apiserver.handlers.represent.tables import (
    autoscaling,
    core,
    extending,
    infrastructure,
    misc,
    pods,
    rbac,
    workloads,
)
from labkit.embedded.apiserver.handlers.represent.tables.model import CREATED_AT, NAME, Cells, Printer
from labkit.embedded.machinery.request import Object

RBAC = "rbac.authorization.k8s.io"


def _name_and_time(obj: Object, now: float) -> Cells:
    return [obj["metadata"].get("name", ""), obj["metadata"].get("creationTimestamp")]


DEFAULT = Printer((NAME, CREATED_AT), _name_and_time, plain=True)
"""For kinds without columns of their own."""

PRINTERS: Mapping[str, Printer] = {
    "componentstatuses": misc.COMPONENT_STATUSES,
    "configmaps": core.CONFIG_MAPS,
    "endpoints": core.ENDPOINTS,
    "events": core.EVENTS,
    "namespaces": core.NAMESPACES,
    "nodes": core.NODES,
    "persistentvolumeclaims": core.PERSISTENT_VOLUME_CLAIMS,
    "persistentvolumes": core.PERSISTENT_VOLUMES,
    "pods": pods.PODS,
    "podtemplates": misc.POD_TEMPLATES,
    "replicationcontrollers": workloads.REPLICATION_CONTROLLERS,
    "resourcequotas": misc.QUOTAS,
    "secrets": core.SECRETS,
    "serviceaccounts": core.SERVICE_ACCOUNTS,
    "services": core.SERVICES,
    "apiservices.apiregistration.k8s.io": extending.API_SERVICES,
    "flowschemas.flowcontrol.apiserver.k8s.io": extending.FLOW_SCHEMAS,
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": extending.PRIORITY_LEVELS,
    "controllerrevisions.apps": misc.CONTROLLER_REVISIONS,
    "daemonsets.apps": workloads.DAEMON_SETS,
    "deployments.apps": workloads.DEPLOYMENTS,
    "replicasets.apps": workloads.REPLICA_SETS,
    "statefulsets.apps": workloads.STATEFUL_SETS,
    "horizontalpodautoscalers.autoscaling": autoscaling.AUTOSCALERS,
    "cronjobs.batch": workloads.CRON_JOBS,
    "jobs.batch": workloads.JOBS,
    "certificatesigningrequests.certificates.k8s.io": infrastructure.SIGNING_REQUESTS,
    "leases.coordination.k8s.io": workloads.LEASES,
    "endpointslices.discovery.k8s.io": misc.ENDPOINT_SLICES,
    "ingressclasses.networking.k8s.io": misc.INGRESS_CLASSES,
    "ingresses.networking.k8s.io": misc.INGRESSES,
    "ipaddresses.networking.k8s.io": infrastructure.ADDRESSES,
    "networkpolicies.networking.k8s.io": misc.NETWORK_POLICIES,
    "servicecidrs.networking.k8s.io": infrastructure.RANGES,
    "runtimeclasses.node.k8s.io": infrastructure.RUNTIME_CLASSES,
    "poddisruptionbudgets.policy": workloads.DISRUPTION_BUDGETS,
    f"clusterrolebindings.{RBAC}": rbac.BINDINGS,
    f"rolebindings.{RBAC}": rbac.BINDINGS,
    "priorityclasses.scheduling.k8s.io": misc.PRIORITY_CLASSES,
    "csidrivers.storage.k8s.io": infrastructure.DRIVERS,
    "csinodes.storage.k8s.io": infrastructure.DRIVER_NODES,
    "storageclasses.storage.k8s.io": misc.STORAGE_CLASSES,
    "volumeattachments.storage.k8s.io": infrastructure.ATTACHMENTS,
    "volumeattributesclasses.storage.k8s.io": infrastructure.ATTRIBUTES_CLASSES,
    "scale": misc.SCALES,
}


def printer_of(resource: str, era: str = "now") -> Printer:
    """The printer of a resource, such as ``pods`` or ``roles.rbac.authorization.k8s.io``.

    Args:
        resource: Plural with its group.
        era: Until 1.34 service accounts had a column for their secrets.
    """
    if resource == "serviceaccounts" and era != "now":
        return core.SERVICE_ACCOUNTS_OF_OLD
    return PRINTERS.get(resource, DEFAULT)
