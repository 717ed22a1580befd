"""The objects of a cluster with a node: the Node, its Lease and CSINode, the Service of the DNS.

``objects.json`` contains the parts that are the same in every cluster. The CSINode names the in-tree plugins that
were
migrated to drivers. Source: k8s.io/kubernetes ``pkg/volume/csi/nodeinfomanager``.
"""

import datetime
from functools import lru_cache
from string import Template

import orjson

from kube_embedded.files import read_json

from ..apiserver.registry.strategy import timestamp
from ..machinery.objects import uid_of
from ..machinery.request import Object
from ..machinery.status import ApiError
from .api import ClusterApi, NodeSettings

LEASES = "leases.coordination.k8s.io"
LEASE_NAMESPACE = "kube-node-lease"


def bootstrap(api: ClusterApi, settings: NodeSettings, now: float) -> None:
    """Create the Node and the objects around it if there is no Node yet, and register it."""
    new = api.get("nodes", "", settings.name) is None
    _create(api, "nodes", _object("node", settings, now=timestamp(now)), "kubelet")
    node = api.get("nodes", "", settings.name)
    if node is not None:
        register(api, settings, node, now)
    # A restart does not bring back what a learner deleted on purpose.
    if not new:
        return
    _create(api, "endpoints", _object("endpoints", settings), "kube-apiserver")
    _create(
        api,
        "endpointslices.discovery.k8s.io",
        _object("endpoint_slice", settings),
        "kube-apiserver",
    )
    if api.get("namespaces", "", "kube-system") is not None:
        _create(api, "services", _object("dns", settings), "kubeadm")


def register(api: ClusterApi, settings: NodeSettings, node: Object, now: float) -> None:
    """Renew a node's Lease, and create its CSINode if it is missing."""
    renew_lease(api, settings, node, now)
    _create(
        api,
        "csinodes.storage.k8s.io",
        _object("storage_node", settings, uid=uid_of(node)),
        "kubelet",
    )


def renew_lease(api: ClusterApi, settings: NodeSettings, node: Object, now: float) -> None:
    """Renew a node's Lease, when it is registered and at each start of the server.

    A real kubelet does so every ten seconds; here the Lease is not watched.
    """
    renewed = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lease = api.get(LEASES, LEASE_NAMESPACE, settings.name)
    if lease is not None:
        api.edit(
            LEASES, lease, lambda new: new["spec"].update(renewTime=renewed), manager="kubelet"
        )
        return
    if api.get("namespaces", "", LEASE_NAMESPACE) is None:
        return
    obj = {
        "metadata": {
            "name": settings.name,
            "namespace": LEASE_NAMESPACE,
            "ownerReferences": [_owner(node)],
        },
        "spec": {"holderIdentity": settings.name, "leaseDurationSeconds": 40, "renewTime": renewed},
    }
    _create(api, LEASES, obj, "kubelet")


def _owner(node: Object) -> Object:
    metadata = node["metadata"]
    return {"apiVersion": "v1", "kind": "Node", "name": metadata["name"], "uid": metadata["uid"]}


def _create(api: ClusterApi, resource: str, obj: Object, manager: str) -> None:
    metadata = obj["metadata"]
    if api.get(resource, metadata.get("namespace", ""), metadata["name"]) is None:
        try:
            api.create(resource, obj, manager)
        except ApiError as error:
            # A namespace that is gone or ends, a name that is taken: the node can live without the object.
            if error.code not in (404, 409, 422):
                raise


@lru_cache(maxsize=1)
def _templates() -> dict[str, Template]:
    objects = read_json(__file__, "objects.json")
    return {name: Template(orjson.dumps(obj).decode()) for name, obj in objects.items()}


def _object(name: str, settings: NodeSettings, **values: str) -> Object:
    """An object of ``objects.json`` with its ``$name``, ``$address``, ``$version`` and ``values`` filled in."""
    values |= {"name": settings.name, "address": settings.address, "version": settings.version}
    obj: Object = orjson.loads(_templates()[name].substitute(values))
    return obj
