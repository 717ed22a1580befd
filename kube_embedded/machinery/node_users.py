"""Identifies users that are nodes, and objects that a pod refers to, for the node authorizer and NodeRestriction.

Source: k8s.io/kubernetes ``pkg/auth/nodeidentifier``, ``pkg/api/v1/pod``.
"""

from collections.abc import Iterator
from typing import Any

from kube_embedded.rbac.attributes import User

from .objects import name_of, namespace_of
from .request import Object

GROUP = "system:nodes"
PREFIX = "system:node:"
LEASES = "kube-node-lease"


def node_name(user: User) -> str | None:
    """The node that a user is, None for anybody else."""
    return (
        user.name.removeprefix(PREFIX)
        if user.name.startswith(PREFIX) and GROUP in user.groups
        else None
    )


def references(pod: Object) -> Iterator[tuple[str, str, str]]:
    """The pod itself and the objects it refers to: (resource, namespace, name)."""
    namespace = namespace_of(pod)
    spec = pod["spec"]
    yield "pods", namespace, name_of(pod)
    if spec.get("serviceAccountName"):
        yield "serviceaccounts", namespace, spec["serviceAccountName"]
    for field, resource in _named(spec):
        yield resource, namespace, field
    for volume in spec.get("volumes") or ():
        if "ephemeral" in volume:
            yield "persistentvolumeclaims", namespace, f"{name_of(pod)}-{volume['name']}"


def _named(value: Any) -> Iterator[tuple[str, str]]:
    """Names of Secrets, ConfigMaps and claims anywhere in a pod's spec."""
    # All fields are searched, not a list of places: volumes and variables get new sources now and then.
    if isinstance(value, list):
        for item in value:
            yield from _named(item)
    elif isinstance(value, dict):
        for field, item in value.items():
            resource, names = FIELDS.get(field, ("", ()))
            for entry in item if isinstance(item, list) else [item]:
                for name in names:
                    if isinstance(entry, dict) and isinstance(entry.get(name), str):
                        yield entry[name], resource
            yield from _named(item)


FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "secret": ("secrets", ("secretName", "name")),
    "azureFile": ("secrets", ("secretName",)),
    **dict.fromkeys(
        ("secretRef", "secretKeyRef", "imagePullSecrets", "nodePublishSecretRef"),
        ("secrets", ("name",)),
    ),
    **dict.fromkeys(("configMap", "configMapRef", "configMapKeyRef"), ("configmaps", ("name",))),
    "persistentVolumeClaim": ("persistentvolumeclaims", ("claimName",)),
}
"""Fields of a pod's spec that name another object: its resource, and the fields that hold the name."""
