"""The objects of a cluster with a node: the Node, its Lease and CSINode, the Service of the DNS."""

from __future__ import annotations

import datetime

from labkit.embedded.apiserver.registry.strategy import timestamp
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError
from labkit.embedded.node.api import API_PORT, ClusterApi, NodeSettings

LEASES = "leases.coordination.k8s.io"
LEASE_NAMESPACE = "kube-node-lease"
STORAGE_NODES = "csinodes.storage.k8s.io"
MIGRATED_PLUGINS = "storage.alpha.kubernetes.io/migrated-plugins"
MIGRATED = ("aws-ebs", "azure-disk", "azure-file", "cinder", "gce-pd", "portworx-volume", "vsphere-volume")
CAPACITY = {
    "cpu": "8",
    "ephemeral-storage": "100Gi",
    "hugepages-1Gi": "0",
    "hugepages-2Mi": "0",
    "memory": "16Gi",
    "pods": "110",
}


def bootstrap(api: ClusterApi, settings: NodeSettings, now: float) -> None:
    """Create the Node and the objects around it if there is no Node yet, and register it."""
    new = api.get("nodes", "", settings.name) is None
    _create(api, "nodes", node_object(settings, now), "kubelet")
    node = api.get("nodes", "", settings.name)
    if node is not None:
        register(api, settings, node, now)
    if not new:
        return
    _create(api, "endpoints", endpoints_object(settings), "kube-apiserver")
    if api.get("namespaces", "", "kube-system") is not None:
        _create(api, "services", dns_object(), "kubeadm")


def register(api: ClusterApi, settings: NodeSettings, node: Object, now: float) -> None:
    """Renew a node's Lease, and create its CSINode if it is missing."""
    renew_lease(api, settings, node, now)
    _create(api, STORAGE_NODES, storage_node_object(settings, node), "kubelet")


def renew_lease(api: ClusterApi, settings: NodeSettings, node: Object, now: float) -> None:
    """Renew a node's Lease, when it is registered and at each start of the server.

    A real kubelet does so every ten seconds; nothing here watches the Lease.
    """
    renewed = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lease = api.get(LEASES, LEASE_NAMESPACE, settings.name)
    if lease is not None:
        api.edit(LEASES, lease, lambda new: new["spec"].update(renewTime=renewed), manager="kubelet")
        return
    if api.get("namespaces", "", LEASE_NAMESPACE) is None:
        return
    made = {
        "metadata": {"name": settings.name, "namespace": LEASE_NAMESPACE, "ownerReferences": [_owner(node)]},
        "spec": {"holderIdentity": settings.name, "leaseDurationSeconds": 40, "renewTime": renewed},
    }
    _create(api, LEASES, made, "kubelet")


def _owner(node: Object) -> Object:
    metadata = node["metadata"]
    return {"apiVersion": "v1", "kind": "Node", "name": metadata["name"], "uid": metadata["uid"]}


def _create(api: ClusterApi, resource: str, obj: Object, manager: str) -> None:
    metadata = obj["metadata"]
    if api.get(resource, metadata.get("namespace", ""), metadata["name"]) is None:
        try:
            api.create(resource, obj, manager)
        except ApiError as error:
            if error.code not in (404, 409, 422):
                raise


def node_object(settings: NodeSettings, now: float) -> Object:
    """The Node."""
    heartbeat = timestamp(now)
    conditions = [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]
    return {
        "metadata": {
            "name": settings.name,
            "labels": {
                "beta.kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": settings.name,
                "kubernetes.io/os": "linux",
                "node-role.kubernetes.io/control-plane": "",
            },
            "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
        },
        "spec": {
            "podCIDR": "10.244.0.0/24",
            "podCIDRs": ["10.244.0.0/24"],
            "providerID": f"labkit://embedded/{settings.name}",
        },
        "status": {
            "capacity": dict(CAPACITY),
            "allocatable": dict(CAPACITY),
            "conditions": [
                {
                    "type": kind,
                    "status": status,
                    "lastHeartbeatTime": heartbeat,
                    "lastTransitionTime": heartbeat,
                    "reason": reason,
                    "message": message,
                }
                for kind, status, reason, message in conditions
            ],
            "addresses": [
                {"type": "InternalIP", "address": settings.address},
                {"type": "Hostname", "address": settings.name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "machineID": "6c61626b69740000000000000000000a",
                "systemUUID": "6c61626b-6974-0000-0000-00000000000a",
                "bootID": "6c61626b-6974-0000-0000-00000000000b",
                "kernelVersion": "6.12.41+deb13-amd64",
                "osImage": "Debian GNU/Linux 13 (trixie)",
                "containerRuntimeVersion": "containerd://2.1.3",
                "kubeletVersion": settings.version,
                "kubeProxyVersion": "",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    }


def storage_node_object(settings: NodeSettings, node: Object) -> Object:
    """The CSINode: without drivers, with the in-tree plugins that were migrated to drivers.

    Source: k8s.io/kubernetes ``pkg/volume/csi/nodeinfomanager``.
    """
    return {
        "metadata": {
            "name": settings.name,
            "annotations": {MIGRATED_PLUGINS: ",".join(f"kubernetes.io/{plugin}" for plugin in MIGRATED)},
            "ownerReferences": [_owner(node)],
        },
        "spec": {"drivers": None},
    }


def endpoints_object(settings: NodeSettings) -> Object:
    """The Endpoints of the Service ``kubernetes``."""
    return {
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
        },
        "subsets": [
            {
                "addresses": [{"ip": settings.address}],
                "ports": [{"name": "https", "port": API_PORT, "protocol": "TCP"}],
            }
        ],
    }


def dns_object() -> Object:
    """The Service of the cluster's DNS."""
    return {
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": {
                "k8s-app": "kube-dns",
                "kubernetes.io/cluster-service": "true",
                "kubernetes.io/name": "CoreDNS",
            },
            "annotations": {"prometheus.io/port": "9153", "prometheus.io/scrape": "true"},
        },
        "spec": {
            "clusterIP": "10.96.0.10",
            "clusterIPs": ["10.96.0.10"],
            "type": "ClusterIP",
            "selector": {"k8s-app": "kube-dns"},
            "ports": [
                {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
                {"name": "metrics", "port": 9153, "protocol": "TCP", "targetPort": 9153},
            ],
        },
    }
