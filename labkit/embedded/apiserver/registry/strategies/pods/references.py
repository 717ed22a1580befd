"""Validation of references to fields, resources and keys.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import config_key, dns_subdomain, qualified_name
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.values import amount

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
SUBSCRIPTED = ("metadata.annotations", "metadata.labels")


def check_field_ref(
    reference: Object, allowed: tuple[str, ...], path: str, errors: FieldErrors
) -> None:
    """Check a reference to a field of the pod."""
    for name in ("apiVersion", "fieldPath"):
        if not reference.get(name):
            errors.required(f"{path}.{name}")
            return
    field = reference["fieldPath"]
    if reference["apiVersion"] != "v1":
        why = f"error converting fieldPath: unsupported pod version: {reference['apiVersion']}"
        errors.invalid(f"{path}.fieldPath", field, why)
        return
    base, key = _subscripted(field)
    if key is None:
        _check_plain(field, allowed, path, errors)
    elif base not in SUBSCRIPTED:
        why = f"error converting fieldPath: field label does not support subscript: {field}"
        errors.invalid(f"{path}.fieldPath", field, why)
    else:
        key = key if base == "metadata.labels" else key.lower()
        errors.check_format(path, key, qualified_name)


def _subscripted(field: str) -> tuple[str, str | None]:
    """Split ``metadata.labels['a']`` into path and subscript."""
    base, bracket, key = field.partition("['")
    if not field.endswith("']") or not bracket or not base:
        return field, None
    return base, key.removesuffix("']")


def _check_plain(field: str, allowed: tuple[str, ...], path: str, errors: FieldErrors) -> None:
    known = "spec.nodeName" if field == "spec.host" else field
    if known not in (
        *FIELD_PATHS,
        *SUBSCRIPTED,
        "spec.restartPolicy",
        "spec.schedulerName",
        "status.phase",
    ):
        errors.invalid(
            f"{path}.fieldPath",
            field,
            f"error converting fieldPath: field label not supported: {field}",
        )
    elif known not in allowed:
        errors.not_supported(f"{path}.fieldPath", known, sorted(allowed))


CPU_DIVISORS = ("1m", "1")
DIVIDED = {"cpu": "cpu", "memory": "memory", "ephemeral-storage": "local ephemeral storage"}
BYTE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")


def check_resource_ref(reference: Object, path: str, errors: FieldErrors, volume: bool) -> None:
    """Check a reference to a container's resource."""
    resource = reference.get("resource", "")
    if volume and not reference.get("containerName"):
        errors.required(f"{path}.containerName")
    elif not resource:
        errors.required(f"{path}.resource")
    elif resource not in RESOURCE_PATHS and not resource.startswith(
        ("limits.hugepages-", "requests.hugepages-")
    ):
        errors.not_supported(f"{path}.resource", resource, RESOURCE_PATHS)
    form, _, kind = resource.partition(".")
    if form not in ("limits", "requests"):
        return
    word = "hugepages" if kind.startswith("hugepages-") else DIVIDED.get(kind)
    divisor = reference.get("divisor") or "0"
    allowed = CPU_DIVISORS if kind == "cpu" else BYTE_DIVISORS
    if word is not None and amount(divisor) and divisor not in allowed:
        values = "1m and 1" if kind == "cpu" else ", ".join(allowed)
        why = f"only divisor's values {values} are supported with the {word} resource"
        errors.invalid(f"{path}.divisor", resource, why)


def check_key_ref(reference: Object, path: str, errors: FieldErrors) -> None:
    """Check a reference to a key of a ConfigMap or Secret."""
    name, key = reference.get("name", ""), reference.get("key", "")
    errors.check_format(f"{path}.name", name, dns_subdomain)
    errors.check_required(f"{path}.key", key, config_key)
