"""Fields that refer to something else: to the pod itself, to its resources, to keys of other objects.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

import re

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.names import config_key, qualified_name
from labkit.apiserver.request import Object

FIELD_PATHS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_FIELD_PATHS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
RESOURCE_PATHS = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
SUBSCRIPT = re.compile(r"^(metadata\.(?:labels|annotations))\['(.*)'\]$")


def check_field_ref(reference: Object, allowed: tuple[str, ...], path: str, errors: FieldErrors) -> None:
    """A reference to a field of the pod."""
    if not reference.get("apiVersion"):
        errors.required(f"{path}.apiVersion")
        return
    field = reference.get("fieldPath", "")
    if not field:
        errors.required(f"{path}.fieldPath")
        return
    if reference["apiVersion"] != "v1":
        errors.invalid(
            f"{path}.fieldPath",
            field,
            f"error converting fieldPath: unsupported pod version: {reference['apiVersion']}",
        )
        return
    subscript = SUBSCRIPT.match(field)
    if subscript is not None:
        base, key = subscript.groups()
        rule = qualified_name(key if base.endswith("labels") else key.lower())
        for message in rule:
            errors.invalid(path, key, message)
        return
    known = (*allowed, "metadata.labels", "metadata.annotations", "spec.restartPolicy", "spec.schedulerName",
             "status.phase", *FIELD_PATHS)  # fmt: skip
    if field not in known:
        errors.invalid(f"{path}.fieldPath", field, f"error converting fieldPath: field label not supported: {field}")
    elif field not in allowed:
        errors.not_supported(f"{path}.fieldPath", field, sorted(allowed))


CPU_DIVISORS = ("1m", "1")
BYTE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")


def check_resource_ref(reference: Object, path: str, errors: FieldErrors, volume: bool) -> None:
    """A reference to a container's resource."""
    if volume and not reference.get("containerName"):
        errors.required(f"{path}.containerName")
        return
    resource = reference.get("resource", "")
    if not resource:
        errors.required(f"{path}.resource")
    elif resource not in RESOURCE_PATHS and not resource.startswith(("limits.hugepages-", "requests.hugepages-")):
        errors.not_supported(f"{path}.resource", resource, RESOURCE_PATHS)
    divisor = reference.get("divisor")
    kind = resource.partition(".")[2]
    allowed = CPU_DIVISORS if kind == "cpu" else BYTE_DIVISORS
    if divisor not in (None, "", "0", *allowed) and kind in ("cpu", "memory", "ephemeral-storage"):
        values = "1m and 1" if kind == "cpu" else ", ".join(allowed)
        word = "local ephemeral storage" if kind == "ephemeral-storage" else kind
        why = f"only divisor's values {values} are supported with the {word} resource"
        errors.invalid(f"{path}.divisor", resource, why)


def check_key_ref(reference: Object, path: str, errors: FieldErrors) -> None:
    """A reference to a key of a config map or secret."""
    if not reference.get("name"):
        errors.required(f"{path}.name")
    key = reference.get("key", "")
    if not key:
        errors.required(f"{path}.key")
    else:
        for message in config_key(key):
            errors.invalid(f"{path}.key", key, message)
