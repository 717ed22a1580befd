"""The scale of a custom object, whose definition says where the numbers stand.

Source: k8s.io/apiextensions-apiserver ``pkg/registry/customresource/etcd.go``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.registry.custom.strategy import nested
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import CustomKind
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError, bad_request

FIELDS = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_paths(kind: CustomKind) -> Object:
    """The ``scale`` subresource of the definition."""
    found: Object = kind.version_spec["subresources"]["scale"]
    return found


def _value(obj: Object, path: str, type_: type) -> Any:
    value, problem = nested(obj, path, type_)
    if problem:
        raise ApiError(500, "", problem)
    return value


def custom_scale(kind: CustomKind, obj: Object) -> Object:
    """The scale of an object."""
    paths = scale_paths(kind)
    wanted = _value(obj, paths["specReplicasPath"], int) or 0
    status: Object = {"replicas": _value(obj, paths["statusReplicasPath"], int) or 0}
    selector = (
        _value(obj, paths["labelSelectorPath"], str) if paths.get("labelSelectorPath") else ""
    )
    if selector:
        status["selector"] = selector
    return scale_document(obj, wanted, status)


def scale_document(obj: Object, replicas: int, status: Object) -> Object:
    """A scale, with the metadata of what it scales."""
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: obj["metadata"][name] for name in FIELDS if name in obj["metadata"]},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def check_replicas(kind: CustomKind, obj: Object) -> None:
    """Refuse with 500 to read the scale of an object that does not say how many are wanted."""
    path = scale_paths(kind)["specReplicasPath"]
    if _value(obj, path, int) is None:
        why = f"the spec replicas field {go_quote(path)} does not exist"
        raise ApiError(
            500, "InternalError", f"Internal error occurred: {why}", {"causes": [{"message": why}]}
        )


def check_sent_replicas(kind: CustomKind, obj: Object, sent: Object, patching: bool) -> None:
    """Refuse with 400 a patch that leaves the number unset."""
    path = scale_paths(kind)["specReplicasPath"]
    if patching and "replicas" not in (sent.get("spec") or {}) and _value(obj, path, int) is None:
        raise bad_request(f"the spec replicas field {go_quote(path)} cannot be empty")
