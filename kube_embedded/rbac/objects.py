"""Roles and bindings as decoded JSON: their names, and how they are called in front of a person."""

from typing import Any

GROUP = "rbac.authorization.k8s.io"

Object = dict[str, Any]
"""A Kubernetes object as decoded JSON."""


def name_of(obj: Object) -> str:
    """An object's name."""
    return str(obj["metadata"]["name"])


def namespace_of(obj: Object) -> str:
    """An object's namespace, empty for cluster-scoped ones."""
    return str(obj["metadata"].get("namespace") or "")


def kind_of(binding: Object) -> str:
    """``RoleBinding`` or ``ClusterRoleBinding``."""
    return "RoleBinding" if namespace_of(binding) else "ClusterRoleBinding"


def role_key(binding: Object) -> tuple[str, str, str]:
    """(kind, namespace, name) of the role that a binding refers to; cluster roles have an empty namespace."""
    ref = binding["roleRef"]
    return ref["kind"], namespace_of(binding) if ref["kind"] == "Role" else "", ref["name"]


BOOTSTRAPPING = "kubernetes.io/bootstrapping"
"""The label of the roles and bindings that every cluster has."""


def is_default(obj: Object) -> bool:
    """Return whether an object is labelled as one of those that every cluster has."""
    return BOOTSTRAPPING in (obj["metadata"].get("labels") or {})


def title(kind: str, namespace: str, name: str) -> str:
    """``Role kikai/reader``, or ``ClusterRole view`` without a namespace."""
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def binding_title(binding: Object) -> str:
    """``RoleBinding kikai/test``."""
    return title(kind_of(binding), namespace_of(binding), name_of(binding))


def role_title(binding: Object) -> str:
    """The role that a binding refers to: ``Role kikai/reader``."""
    return title(*role_key(binding))
